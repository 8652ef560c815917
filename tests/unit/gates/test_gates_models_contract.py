"""G12 by its text: models on all files, and the contract against the framework's own model."""

import pytest

from omniclaude_dagster.gates.registry import run_post_generation
from omniclaude_dagster.gates.report import GateResult
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request.model import NodeKind
from tests.support.reference_nodes import edited, node_context, reference_bundle

C = NodeKind.COMPUTE
INPUT = "models/model_tax_input.py"


def judged(bundle: NodeBundle) -> GateResult:
    return {r.gate: r for r in run_post_generation(node_context(bundle))}["G12"]


@pytest.mark.parametrize("kind", list(NodeKind))
def test_correct_models_and_contracts_have_no_findings(kind: NodeKind) -> None:
    assert judged(reference_bundle(kind)).status == "skipped"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("(BaseModel)", "", "does not extend pydantic.BaseModel"),
        ("(BaseModel)", "(dict[str, float])", "does not extend pydantic.BaseModel"),
        ('    model_config = ConfigDict(extra="forbid", frozen=True)\n', "", "has no model_config"),
        ('ConfigDict(extra="forbid", frozen=True)', '{"extra": "forbid"}', "has no model_config"),
        ("    net: float\n    rate: float\n", "", "ModelTaxInput has no fields"),
        ('extra="forbid"', 'extra="allow"', "does not refuse unknown fields"),
        ('extra="forbid"', 'extra="ignore"', "does not refuse unknown fields"),
        ('extra="forbid", frozen=True', "frozen=True", "does not refuse unknown fields"),
        (
            "rate: float",
            "rate: float\n\n    def f(self) -> object:\n        return type(self).model_construct(net='x')",
            "model_construct makes a model without checking",
        ),
        ("rate: float", "rate: list[float] = []", "ModelTaxInput.rate has a mutable default"),
        ("rate: float", "rate: dict[str, int] = dict()", "mutable default"),
        ("rate: float", "rate: list[float] = Field(default=[])", "mutable default"),
        ("rate: float", "rate: list[float] = Field([], max_length=3)", "mutable default"),
        ("rate: float", "rate: Any", "is typed Any"),
        ("rate: float", "rate: dict[str, typing.Any]", "is typed Any"),
        ("rate: float", 'rate: "Any"', "is typed Any"),
        ("rate: float", "rate = 0.2", "has no type"),
        ("rate: float", "rate: float\n\n    class Config:\n        frozen = True", "class Config"),
        (
            "rate: float",
            "rate: float\n\n    def f(self) -> object:\n        return self.dict()",
            ".dict() is Pydantic v1",
        ),
        (
            "rate: float",
            "rate: float\n\n    def f(self) -> object:\n        return self.json()",
            ".json() is Pydantic v1",
        ),
        ("import BaseModel, ConfigDict", "import BaseModel, ConfigDict, validator", "validator is Pydantic v1"),
        ("from pydantic import", "from pydantic.v1 import", "is Pydantic v1"),
    ],
)
def test_each_fault_of_a_model_is_named(old: str, new: str, named: str) -> None:
    bundle = edited(reference_bundle(C), INPUT, old, new)
    if "Any" in new or "Field" in new:
        text = (
            bundle.files[INPUT]
            .decode()
            .replace("from pydantic import", "import typing\nfrom typing import Any\n\nfrom pydantic import Field,", 1)
        )
        bundle = bundle.with_files({INPUT: text.encode()})
    found = judged(bundle)
    assert (found.status, found.is_blocking) == ("fail", True)
    assert named in found.message


def test_every_model_file_is_read_not_just_the_first_five() -> None:
    model = "from pydantic import BaseModel, ConfigDict\n\n\nclass ModelA{n}(BaseModel):\n    {config}\n    x: int\n"
    config = "model_config = ConfigDict(extra='forbid', frozen=True)"
    files = {f"models/model_a{n}.py": model.format(n=n, config=config if n < 9 else "").encode() for n in range(10)}
    assert "ModelA9 has no model_config" in judged(reference_bundle(C).with_files(files)).message


def test_a_model_may_use_factories_parents_and_immutable_defaults() -> None:
    bundle = edited(
        reference_bundle(C),
        INPUT,
        "rate: float",
        "rate: float = 0.2\n    tags: tuple[str, ...] = ()\n    more: list[int] = Field(default_factory=list)",
    )
    bundle = edited(bundle, INPUT, "import BaseModel, ConfigDict", "import BaseModel, ConfigDict, Field")
    child = b"""from pydantic import ConfigDict
from .model_tax_input import ModelTaxInput


class ModelChild(ModelTaxInput):
    model_config = ConfigDict(extra="forbid")
    _cache = 1
"""
    exports = bundle.files["models/__init__.py"] + b"\nfrom .model_child import ModelChild\n"
    bundle = bundle.with_files({"models/model_child.py": child, "models/__init__.py": exports})
    assert judged(bundle).status == "skipped"


def test_reading_an_http_answer_is_no_old_pydantic() -> None:
    logic = b"def read(response: object) -> object:\n    return response.json()\n"
    assert judged(reference_bundle(C).with_files({"logic.py": logic})).status == "skipped"
    old = b"def read(model: object) -> object:\n    return model.dict()\n"
    assert judged(reference_bundle(C).with_files({"logic.py": old})).status == "fail"


@pytest.mark.parametrize(
    ("kind", "old", "new", "named"),
    [
        (C, "description:", "bogus: 1\ndescription:", "bogus: Extra inputs are not permitted"),
        (C, "contract_version: {major: 1, minor: 0, patch: 0}", 'contract_version: "1.0.0"', "contract_version"),
        (C, "contract_version:", "version:", "contract_version: Field required"),
        (C, "performance: {single_operation_max_ms: 50}\n", "", "performance"),
        (C, "COMPUTE_GENERIC", "REDUCER_GENERIC", "is not COMPUTE"),
        (C, "COMPUTE_GENERIC", "COMPUTER", "is not COMPUTE"),
        (C, "node_type: COMPUTE_GENERIC\n", "", "node_type"),
        (C, "description: A node to try the gates with.", "description: ''", "description"),
        (C, "ModelTaxInput", "ModelTaxNothing", "does not exist in the bundle"),
        (C, "input_model: node_tax_compute.", "input_model: other_package.", "is not in the package"),
        (C, "output_model: node_tax_compute.models.model_tax_output.ModelTaxOutput", "output_model: x", "dotted path"),
        (NodeKind.EFFECT, "performance:", "effect_subcontract: {}\nperformance:", "effect_subcontract"),
        (NodeKind.ORCHESTRATOR, "performance: {single_operation_max_ms: 50}\n", "", "performance"),
        (NodeKind.REDUCER, "performance:", "state_machine: {}\nperformance:", "state_machine"),
        (C, "single_operation_max_ms: 50", "single_operation_max_ms: fast", "single_operation_max_ms"),
    ],
)
def test_the_contract_is_held_to_the_framework_and_to_the_bundle(
    kind: NodeKind, old: str, new: str, named: str
) -> None:
    found = judged(edited(reference_bundle(kind), "contract.yaml", old, new))
    assert found.status == "fail"
    assert named in found.message


def test_a_contract_that_breaks_a_rule_of_the_framework_itself_fails() -> None:
    """Weights that do not add up raise the framework's own error, which is no ValidationError."""
    algorithm = """algorithm:
  algorithm_type: weighted_factor_algorithm
  factors:
    net: {weight: 0.6, calculation_method: linear}
    rate: {weight: 0.9, calculation_method: linear}
"""
    bundle = reference_bundle(C)
    broken = bundle.with_files({"contract.yaml": bundle.files["contract.yaml"] + algorithm.encode()})
    found = judged(broken)
    assert found.status == "fail"
    assert "contract.yaml" in found.message


@pytest.mark.parametrize("content", [b"", b"- a\n", b"just text\n"])
def test_a_contract_that_is_no_mapping_fails(content: bytes) -> None:
    assert "is not a mapping" in judged(reference_bundle(C).with_files({"contract.yaml": content})).message


def test_missing_files_are_named() -> None:
    bundle = reference_bundle(C)
    for path in ("contract.yaml", "models/__init__.py"):
        without = NodeBundle(bundle.package_name, {p: c for p, c in bundle.files.items() if p != path})
        assert f"{path}: the file is missing" in judged(without).message
