"""G10 and G11 by their text: ONEX names and shapes, and imports that name what exists."""

import pytest

from omniclaude_dagster.gates.registry import run_post_generation
from omniclaude_dagster.gates.report import GateResult
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request.model import NodeKind
from tests.support.reference_nodes import NoSandbox, edited, node_context, reference_bundle

C, E, R, ORCHESTRATOR = NodeKind.COMPUTE, NodeKind.EFFECT, NodeKind.REDUCER, NodeKind.ORCHESTRATOR


def judged(bundle: NodeBundle, gate: str, **changes: object) -> GateResult:
    return {r.gate: r for r in run_post_generation(node_context(bundle, NoSandbox(), **changes))}[gate]


@pytest.mark.parametrize("kind", list(NodeKind))
def test_a_correct_node_has_no_findings(kind: NodeKind) -> None:
    results = {r.gate: r.status for r in run_post_generation(node_context(reference_bundle(kind)))}
    assert results == {"G9": "pass", "G10": "pass", "G11": "skipped", "G12": "skipped", "G-SEC": "skipped"}


@pytest.mark.parametrize(
    ("kind", "path", "old", "new", "named"),
    [
        (C, "node.py", "class NodeTaxCompute", "class TaxCompute", "is not named Node*Compute"),
        (C, "node.py", "class NodeTaxCompute", "class NodeTaxEffect", "is not named Node*Compute"),
        (C, "node.py", "class NodeTaxCompute", "class NodeLevyCompute", "belongs in package node_levy_compute"),
        (C, "node.py", "(NodeCompute[ModelTaxInput, ModelTaxOutput], ", "(", "no class extends NodeCompute"),
        (E, "node.py", "omnibase_core.nodes.node_effect", "omnibase_core.nodes.effects", "no class extends"),
        (E, "node.py", "    async def process", "async def process", "stands outside the class"),
        (E, "node.py", "    async def process", "async def process", "has no process method"),
        (R, "node.py", "    async def process", "    async def reduce", "has no process method"),
        (C, "node.py", "    async def process", "    def process", "process is not async"),
        (C, "node.py", "self, input_data:", "self, data:", "instead of (self, input_data)"),
        (
            R,
            "node.py",
            "        projection_intents: tuple[ModelProjectionIntent, ...] = (),\n",
            "",
            "projection_intents",
        ),
        (C, "node.py", '    """Adds tax."""\n', '    """Adds tax."""\n    print("hi")\n', "stray Expr statement"),
        (C, "node.py", '    """Adds tax."""\n', '    """Adds tax."""\n    for i in ():\n        pass\n', "stray For"),
        (
            ORCHESTRATOR,
            "node.py",
            '    """Coordinates an order."""\n',
            '    """Coordinates an order."""\n    def __init__(self) -> None: ...\n',
            "defined more than once",
        ),
        (C, "__init__.py", "from .node import NodeTaxCompute\n", "", "does not export its node"),
        (C, "__init__.py", '__all__ = ["NodeTaxCompute"]', "__all__ = []\nX = 1", "does not export its node"),
        (C, "models/model_tax_input.py", "class ModelTaxInput", "class TaxInput", "is not named Model*"),
        (
            C,
            "models/model_tax_input.py",
            "rate: float\n",
            "rate: float\n\n\nclass ModelB(BaseModel): ...\n",
            "more than",
        ),
        (C, "models/__init__.py", "__all__", "class ModelC: ...\n\n\n__all__", "belongs in a file of its own"),
        (C, "contract.yaml", "name: node_tax_compute", "name: node_other_compute", "is not the package's name"),
    ],
)
def test_g10_names_each_violation(kind: NodeKind, path: str, old: str, new: str, named: str) -> None:
    found = judged(edited(reference_bundle(kind), path, old, new), "G10")
    assert (found.status, found.is_blocking) == ("fail", True)
    assert named in found.message


@pytest.mark.parametrize(
    ("path", "content", "named"),
    [
        ("enums/enum_colour.py", b"class Colour:\n    pass\n", "is not named Enum*"),
        ("enums/enum_colour.py", b"X = 1\n", "defines no Enum*"),
        ("models/model_empty.py", b"X = 1\n", "defines no Model*"),
        ("models/other.py", b"class ModelColour: ...\n", "belongs in model_colour.py"),
        ("logic.py", b"from pydantic import BaseModel\nclass ModelX(BaseModel): ...\n", "of its own in models/"),
        ("logic.py", b"def f(): ...\ndef f(): ...\n", "defined more than once"),
        (
            "logic.py",
            b"from omnibase_core.nodes import NodeEffect\nclass NodeTwoEffect(NodeEffect): ...\n",
            "more than one node class",
        ),
    ],
)
def test_g10_looks_at_every_file(path: str, content: bytes, named: str) -> None:
    found = judged(reference_bundle(C).with_files({path: content}), "G10")
    assert found.status == "fail"
    assert named in found.message


def test_g10_holds_a_node_to_the_kind_and_class_that_were_asked_for() -> None:
    bundle = reference_bundle(C)
    assert judged(bundle, "G10", kind=E).status == "fail"
    assert judged(bundle, "G10", class_name="NodeOtherCompute").status == "fail"
    assert judged(bundle, "G10", kind=C, class_name="NodeTaxCompute").status == "pass"


def test_g10_demands_the_package_files() -> None:
    bundle = reference_bundle(C)
    without = NodeBundle(bundle.package_name, {p: c for p, c in bundle.files.items() if p != "__init__.py"})
    assert "__init__.py: the file is missing" in judged(without, "G10").message
    misplaced = NodeBundle("tax", dict(bundle.files))
    assert "is not named node_<name>_<kind>" in judged(misplaced, "G10").message


def test_g10_accepts_the_framework_s_composed_services_and_properties() -> None:
    service = b"""from omnibase_core.nodes.node_service_orchestrator import ModelServiceOrchestrator


class NodeOrderFlowOrchestrator(ModelServiceOrchestrator):
    @property
    def rate(self) -> int:
        return 1

    @rate.setter
    def rate(self, value: int) -> None:
        pass
"""
    assert judged(reference_bundle(ORCHESTRATOR).with_files({"node.py": service}), "G10").status == "pass"


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("import nosuchpackage", "logic.py:2: no package nosuchpackage is installed"),
        ("import templates", "no package templates is installed"),
        ("from omnibase_core.core.node_effect import NodeEffect", "use omnibase_core.nodes"),
        ("from omnibase_core.errors.error_codes import EnumCoreErrorCode", "enums.enum_core_error_code"),
        ("from omnibase_core.primitives.model_semver import ModelSemVer", "omnibase_core.models.primitives"),
        ("from omnibase_core import ModelONEXContainer", "models.container.model_onex_container"),
        ("from omnibase_core.nodes import EnumExecutionMode", "enum_workflow_execution"),
        ("from omnibase_core.enums.enum_orchestrator_types import EnumExecutionMode", "enum_workflow_execution"),
        ("from omnibase_core.models.services.x import ModelServiceEffect", "nodes.node_service_effect"),
        ("from omniarchon.events import EventPublisher", "not a published package"),
        ("from .nowhere import X", "the module .nowhere does not exist"),
        ("from .models import ModelNothing", ".models does not define ModelNothing"),
        ("from .models.model_tax_input import ModelOther", "does not define ModelOther"),
        ("from node_tax_compute.models import ModelNothing", "does not define ModelNothing"),
        ("import node_tax_compute.nowhere", "does not exist in the package"),
        ("from ... import x", "leaves the package"),
        ("from os import *", "imports everything"),
        ("def f():\n    import nosuchpackage", "logic.py:3: no package"),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import nosuchpackage", "no package nosuchpackage"),
        ("from math import pow\nfrom operator import pow", "pow is imported twice"),
        ("__all__ = ['missing']", "__all__ names missing"),
    ],
)
def test_g11_names_the_place_of_each_import_that_cannot_resolve(statement: str, named: str) -> None:
    found = judged(reference_bundle(C).with_files({"logic.py": f'"""Logic."""\n{statement}\n'.encode()}), "G11")
    assert (found.status, found.is_blocking) == ("fail", True)
    assert named in found.message


@pytest.mark.parametrize(
    "statement",
    [
        "from . import models",
        "from .models import ModelTaxInput as Input, model_tax_output",
        "from .node import NodeTaxCompute",
        "from node_tax_compute.models.model_tax_input import ModelTaxInput",
        "import node_tax_compute.models",
        "import math\nimport collections.abc\nfrom os import path",
        "try:\n    import math as m\nexcept ImportError:\n    import cmath as m",
        "import collections\nimport collections.abc",
    ],
)
def test_g11_lets_pass_what_exists(statement: str) -> None:
    bundle = reference_bundle(C).with_files({"logic.py": f'"""Logic."""\n{statement}\n'.encode()})
    assert judged(bundle, "G11").status == "skipped"


def test_g11_reads_the_tests_too() -> None:
    bundle = reference_bundle(C).with_files({"tests/test_node.py": b"from ..node import NodeNothing\n"})
    assert "tests/test_node.py:1" in judged(bundle, "G11").message
    good = reference_bundle(C).with_files({"tests/test_node.py": b"import pytest\nfrom ..node import NodeTaxCompute\n"})
    assert judged(good, "G11").status == "skipped"


def test_a_missing_model_export_is_found() -> None:
    bundle = edited(reference_bundle(C), "models/__init__.py", "from .model_tax_output import ModelTaxOutput\n", "")
    assert "does not define ModelTaxOutput" in judged(bundle, "G11").message
    assert "does not export ModelTaxOutput" in judged(bundle, "G12").message
