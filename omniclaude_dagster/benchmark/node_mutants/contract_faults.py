"""Contracts that the framework's own model refuses, manifests that lie, and models that are not what ONEX asks for."""

from omniclaude_dagster.benchmark.node_mutants.editing import (
    appended,
    at_start,
    both,
    in_work,
    removed,
    replaced,
    written,
)
from omniclaude_dagster.benchmark.node_mutants.model import Fault

_CONFIG = r'model_config = ConfigDict\(extra="forbid", frozen=True\)'
_MODEL = "models/model_*"
_FIRST_FIELD = r"(    model_config = [^\n]*\n\n?)"

CONTRACT = (
    Fault(
        "extra field",
        "a field that the contract model does not know",
        "G12",
        ("golden-effect", "pricing"),
        appended("contract.yaml", "service_resolution: {}\n"),
    ),
    Fault(
        "metadata",
        "the field `metadata`, which is refused",
        "G12",
        ("golden-compute", "flow"),
        appended("contract.yaml", "metadata: {author: me}\n"),
    ),
    Fault(
        "version instead",
        "`version` instead of `contract_version`",
        "G12",
        ("golden-reducer", "vat"),
        replaced("contract.yaml", r"^contract_version:", "version:"),
    ),
    Fault(
        "version as text",
        "a version as text instead of a mapping",
        "G12",
        ("golden-compute", "rows"),
        replaced("contract.yaml", r"^contract_version:.*?(?=^\w)", 'contract_version: "1.0.0"\n'),
    ),
    Fault(
        "kind of another node",
        "the node type of another kind",
        "G12",
        ("golden-effect", "sums"),
        replaced("contract.yaml", r"^node_type: \w+", "node_type: ORCHESTRATOR_GENERIC"),
    ),
    Fault(
        "unknown kind",
        "a node type that does not exist",
        "G12",
        ("files",),
        replaced("contract.yaml", r"^node_type: \w+", "node_type: TRANSFORMER"),
    ),
    Fault(
        "performance missing",
        "a COMPUTE contract without its limits",
        "G12",
        ("golden-compute", "pricing"),
        replaced("contract.yaml", r"^performance:.*?(?=^\w)", ""),
    ),
    Fault(
        "weights",
        "factors whose weights do not add up to 1",
        "G12",
        ("golden-compute", "pricing"),
        replaced("contract.yaml", r"weight: 0\.\d+", "weight: 0.95"),
    ),
    Fault(
        "foreign subcontract",
        "a state machine in an EFFECT contract",
        "G12",
        ("golden-effect", "http"),
        appended("contract.yaml", "state_management: {version: {major: 1, minor: 0, patch: 0}}\n"),
    ),
    Fault(
        "no such model",
        "an input model that does not exist",
        "G12",
        ("golden-reducer", "vat"),
        replaced("contract.yaml", r"^(input_model: [\w.]*\.)\w+$", r"\1ModelMissing"),
    ),
    Fault(
        "model of another package",
        "an output model outside the package",
        "G12",
        ("golden-orchestrator",),
        replaced("contract.yaml", r"^output_model: \w+", "output_model: node_other_compute"),
    ),
    Fault("no contract", "there is no contract.yaml", "G12", ("golden-compute", "files"), removed("contract.yaml")),
    Fault("contract is a list", "a contract that is no mapping", "G12", ("sums",), written("contract.yaml", "- a\n")),
)

MANIFEST = (
    Fault(
        "hash that lies",
        "a file is not the one whose hash the manifest gives",
        "G12",
        ("pricing", "http"),
        at_start("is_checked = True"),
        is_as_generated=True,
    ),
    Fault(
        "file not listed",
        "a file that the manifest does not list",
        "G12",
        ("vat",),
        written("helper.py", '"""More."""\n\nX = 1\n'),
        is_as_generated=True,
    ),
    Fault(
        "listed file missing",
        "the manifest lists a file that is not there",
        "G12",
        ("sums",),
        removed("README.md"),
        is_as_generated=True,
    ),
    Fault(
        "other entry point",
        "the manifest's entry point names another class",
        "G12",
        ("pricing", "flow"),
        replaced("node.manifest.yaml", r"entrypoint: [^\n]*", "entrypoint: other.node:NodeOtherCompute"),
    ),
    Fault(
        "other kind",
        "the manifest says another kind than the code",
        "G12",
        ("files",),
        replaced("node.manifest.yaml", r"kind: \w+", "kind: COMPUTE"),
    ),
)

MODELS = (
    Fault(
        "unknown fields ignored",
        "a model without extra=forbid",
        "G12",
        ("golden-compute", "pricing", "rows"),
        replaced(_MODEL, _CONFIG, "model_config = ConfigDict(frozen=True)"),
    ),
    Fault(
        "unknown fields kept",
        "a model with extra=allow",
        "G12",
        ("golden-effect", "vat"),
        replaced(_MODEL, _CONFIG, 'model_config = ConfigDict(extra="allow")'),
    ),
    Fault(
        "no model_config",
        "a model without any configuration",
        "G12",
        ("golden-reducer", "http"),
        replaced(_MODEL, r"\n    " + _CONFIG, ""),
    ),
    Fault(
        "class Config",
        "Pydantic v1's inner class",
        "G12",
        ("golden-compute", "sums"),
        replaced(_MODEL, _CONFIG, 'class Config:\n        extra = "forbid"\n'),
    ),
    Fault(
        "Any",
        "a field typed Any",
        "G12",
        ("golden-reducer", "pricing"),
        both(
            replaced(_MODEL, _FIRST_FIELD, r"\1    anything: Any\n"),
            replaced(_MODEL, r"^from pydantic", "from typing import Any\n\nfrom pydantic"),
        ),
    ),
    Fault(
        "mutable field default",
        "a list as a field's default",
        "G12",
        ("golden-compute", "files"),
        replaced(_MODEL, _FIRST_FIELD, r"\1    notes: list[str] = []\n"),
    ),
    Fault(
        "field without a type",
        "a field without annotation",
        "G12",
        ("golden-effect", "vat"),
        replaced(_MODEL, _FIRST_FIELD, r"\1    limit = 3\n"),
    ),
    Fault(
        "not a model",
        "a class in models/ that extends nothing",
        "G12",
        ("flow",),
        replaced(_MODEL, r"\(BaseModel\)", ""),
    ),
    Fault(
        "type nobody can build",
        "an annotation that is no type",
        "G12",
        ("golden-compute",),
        replaced(_MODEL, _FIRST_FIELD, r"\1    mark: object()\n"),
    ),
    Fault(
        "models package file missing",
        "there is no models/__init__.py",
        "G12",
        ("golden-reducer", "http"),
        removed("models/__init__.py"),
    ),
    Fault(
        "model not exported",
        "a model that models/ does not export",
        "G12",
        ("rows",),
        written(
            "models/model_audit.py",
            '''\
                  """Audit."""

                  from pydantic import BaseModel, ConfigDict


                  class ModelAudit(BaseModel):
                      """Audit."""

                      model_config = ConfigDict(extra="forbid", frozen=True)

                      by: str
                  ''',
        ),
    ),
    Fault(
        "validation skipped",
        "a result made with model_construct, which checks nothing",
        "G12",
        ("golden-compute", "vat"),
        in_work(r"(Model\w+Output)\(", r"\1.model_construct("),
    ),
)
