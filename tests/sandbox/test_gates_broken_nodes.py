"""All gates in the real sandbox: golden nodes pass, and copies broken in any way that matters do not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.registry import FolderVerdict, judge_folder, judge_node
from omniclaude_dagster.node.bundle import NodeBundle, read_bundle
from omniclaude_dagster.request.model import Example, NodeKind
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from tests.support.reference_nodes import GOLDEN_FOLDER, edited, golden_folders, reference_bundle

pytestmark = [pytest.mark.sandbox, pytest.mark.xdist_group("gates-sandbox")]

COMPUTE, EFFECT = "node_tax_compute", "node_user_writer_effect"
REDUCER, ORCHESTRATOR = "node_score_reducer", "node_order_flow_orchestrator"
TAX_INPUT, SCORE_ITEM, TEST = "models/model_tax_input.py", "models/model_score_item.py", "tests/test_node.py"
CONFIG = '    model_config = ConfigDict(extra="forbid", frozen=True)\n'
EXPORT = "from .model_tax_output import ModelTaxOutput\n"
WORKFLOW_ENUM = "omnibase_core.enums.enum_workflow_execution"
COMPUTED = "result = ModelTaxOutput(gross=input_data.data.net * (1 + input_data.data.rate))"


@dataclass(frozen=True)
class Break:
    """`old` becomes `new` in one file; with `old` empty the file is added or replaced; `new` None removes it."""

    name: str
    node: str
    path: str
    old: str
    new: str | None
    gate: str

    def apply(self, bundle: NodeBundle) -> NodeBundle:
        if self.new is None:
            return NodeBundle(bundle.package_name, {p: c for p, c in bundle.files.items() if p != self.path})
        if not self.old:
            return bundle.with_files({self.path: self.new.encode("utf-8", "surrogateescape")})
        return edited(bundle, self.path, self.old, self.new)


def computing(name: str, body: str, gate: str) -> Break:
    """The COMPUTE node with another body."""
    indented = body.replace("\n", "\n        ")
    return Break(name, COMPUTE, "node.py", COMPUTED, indented, gate)


BREAKS = [
    Break("syntax error", COMPUTE, "node.py", "result = ", "result = = ", "G9"),
    Break("empty node", COMPUTE, "node.py", "", "", "G9"),
    Break("bidi mark", COMPUTE, "node.py", "result = ", "# \u202e\n        result = ", "G9"),
    Break("homoglyph", COMPUTE, TAX_INPUT, "rate", "r\u0430te", "G9"),
    Break("utf-7 cookie", COMPUTE, "node.py", "from __future__", "# coding: utf-7\nfrom __future__", "G9"),
    Break("NUL byte", COMPUTE, "__init__.py", "__all__", "\0__all__", "G9"),
    Break("invalid UTF-8", COMPUTE, "__init__.py", "", "x = '\udcff'\n", "G9"),
    Break("broken contract YAML", COMPUTE, "contract.yaml", "name: ", "name: [", "G9"),
    Break("duplicate contract key", COMPUTE, "contract.yaml", "name: ", "name: x\nname: ", "G9"),
    Break("wrong base class", COMPUTE, "node.py", "NodeCompute[ModelTaxInput, ModelTaxOutput]", "object", "G10"),
    Break("class renamed", COMPUTE, "node.py", "class NodeTaxCompute", "class NodeLevyCompute", "G10"),
    Break("process outside the class", EFFECT, "node.py", "    async def process", "async def process", "G10"),
    Break("process missing", REDUCER, "node.py", "async def process", "async def reduce", "G10"),
    Break("process not async", COMPUTE, "node.py", "async def process", "def process", "G10"),
    Break("projection_intents missing", REDUCER, "node.py", "projection_intents:", "others:", "G10"),
    Break("injected statement", EFFECT, "node.py", "    def __init__", '    print("x")\n\n    def __init__', "G10"),
    Break("contract of another node", COMPUTE, "contract.yaml", "name: node_tax", "name: node_levy", "G10"),
    Break("node not exported", COMPUTE, "__init__.py", "", "", "G10"),
    Break("no package file", COMPUTE, "__init__.py", "", None, "G10"),
    Break("old import path", COMPUTE, "node.py", "omnibase_core.nodes.node_c", "omnibase_core.core.node_c", "G10"),
    Break("wrong one of two enums", ORCHESTRATOR, "node.py", WORKFLOW_ENUM, "omnibase_core.nodes", "G11"),
    Break("invented symbol", EFFECT, "node.py", "import EnumTransactionState", "import EnumTransaction", "G11"),
    Break("invented module", EFFECT, "node.py", "effect.model_effect_input", "effect.model_effect_request", "G11"),
    Break("invented package", COMPUTE, "logic.py", "", "import nosuchpackage\n", "G11"),
    Break("model export missing", COMPUTE, "models/__init__.py", EXPORT, "", "G11"),
    Break("model file missing", COMPUTE, "models/model_tax_output.py", "", None, "G11"),
    Break("extra contract field", EFFECT, "contract.yaml", "description:", "bogus: 1\ndescription:", "G12"),
    Break("contract of another kind", EFFECT, "contract.yaml", "EFFECT_GENERIC", "REDUCER_GENERIC", "G12"),
    Break(
        "contract without performance",
        COMPUTE,
        "contract.yaml",
        "performance: {single_operation_max_ms: 50}\n",
        "",
        "G12",
    ),
    Break("weights do not add up", COMPUTE, "contract.yaml", "weight: 0.6", "weight: 0.9", "G12"),
    Break("contract names no model", COMPUTE, "contract.yaml", "ModelTaxOutput", "ModelTaxResult", "G12"),
    Break("no contract", COMPUTE, "contract.yaml", "", None, "G12"),
    Break("field typed Any", COMPUTE, TAX_INPUT, "rate: float", "rate: 'Any'", "G12"),
    Break("mutable default", COMPUTE, TAX_INPUT, "rate: float", "rate: list[float] = []", "G12"),
    Break("no model_config", REDUCER, SCORE_ITEM, CONFIG, "", "G12"),
    Break("field type that Pydantic cannot build", COMPUTE, TAX_INPUT, "rate: float", "rate: object()", "G12"),
    computing("hidden network call", f"import socket\nsocket.create_connection(('localhost', 1))\n{COMPUTED}", "G-SEC"),
    computing("eval", f"eval('1')\n{COMPUTED}", "G-SEC"),
    computing("environment dump", f"import os\nprint(dict(os.environ))\n{COMPUTED}", "G-SEC"),
    computing("reads a file", f"print(open('/etc/passwd').read())\n{COMPUTED}", "G-SEC"),
    computing("early exit", f"import os\nos._exit(0)\n{COMPUTED}", "G-SEC"),
    computing("way around the import list", f"import logging\nlogging.os.system('id')\n{COMPUTED}", "G-SEC"),
    computing("subclasses", f"print(().__class__.__base__.__subclasses__())\n{COMPUTED}", "G-SEC"),
    Break("conftest", COMPUTE, "tests/conftest.py", "", "import os\n", "G-SEC"),
    Break("code hidden in tests", COMPUTE, "__init__.py", "from .node", "from . import tests\nfrom .node", "G-SEC"),
    computing("wrong type of a result", "result = ModelTaxOutput(gross='much')", "G13"),
    computing("unknown field", "result = ModelTaxOutput(gross=input_data.data.nett)", "G13"),
    Break(
        "unknown enum member", EFFECT, "node.py", "EnumTransactionState.COMMITTED", "EnumTransactionState.DONE", "G13"
    ),
    Break("field removed", COMPUTE, TAX_INPUT, "    rate: float\n", "", "G13"),
    Break("untyped process", COMPUTE, "node.py", "input_data: ModelComputeInput[ModelTaxInput]", "input_data", "G13"),
    computing("infinite loop", f"while True:\n    pass\n{COMPUTED}", "G14"),
    computing("memory bomb", f"x = 'x' * 10**11\n{COMPUTED}", "G14"),
    computing("output flood", f"for _ in range(10**5):\n    print('x' * 10**4)\n{COMPUTED}", "G14"),
    computing("random answer", f"import random\n{COMPUTED}\nresult = ModelTaxOutput(gross=random.random())", "G14"),
    computing("raises always", f"if input_data:\n    raise ValueError('not filled in')\n{COMPUTED}", "G14"),
    Break("super().__init__ not called", EFFECT, "node.py", "super().__init__(container)", "del container", "G14"),
    Break("fails at import", REDUCER, "node.py", "class NodeScore", "FIRST = [0][1]\n\n\nclass NodeScore", "G12"),
    Break("invalid workflow", ORCHESTRATOR, "node.py", '"sequential"', '"sideways"', "G14"),
    Break("result unlike the output model", EFFECT, "node.py", 'output.model_dump(mode="json")', '{"rows": 1}', "G14"),
    Break("result not made of plain data", EFFECT, "node.py", 'output.model_dump(mode="json")', "repr(output)", "G14"),
    Break("failing test", COMPUTE, TEST, "", "def test_x() -> None:\n    assert 1 == 2\n", "G-EXEC"),
    Break(
        "test that ends the process",
        COMPUTE,
        TEST,
        "",
        "import os\n\n\ndef test_x() -> None:\n    os._exit(0)\n",
        "G-EXEC",
    ),
    Break("tests folder without tests", COMPUTE, TEST, "", "X = 1\n", "G-EXEC"),
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[BubblewrapSandbox]:
    with BubblewrapSandbox(workers=2) as made:
        reason = made.unavailable_reason()
        if reason:
            pytest.skip(f"no sandbox here: {reason}")
        yield made


def judge(bundle: NodeBundle, sandbox: BubblewrapSandbox, *examples: Example) -> FolderVerdict:
    return judge_node(NodeContext(bundle=bundle, sandbox=sandbox, examples=examples, execution_limit_s=4.0))


needs_golden = pytest.mark.skipif(not golden_folders(), reason="../shared/golden is not here")


@needs_golden
@pytest.mark.parametrize("folder", golden_folders(), ids=lambda p: p.name)
def test_golden_nodes_pass_everything(folder: Path, sandbox: BubblewrapSandbox) -> None:
    verdict = judge_folder(folder, sandbox)
    assert [(g.gate, g.message) for g in verdict.gates if g.status != "pass"] == []
    assert verdict.is_passed
    assert verdict.quality_score == 1.0


@pytest.mark.parametrize("kind", list(NodeKind))
def test_reference_nodes_pass_everything(kind: NodeKind, sandbox: BubblewrapSandbox) -> None:
    verdict = judge(reference_bundle(kind), sandbox)
    assert [(g.gate, g.message) for g in verdict.gates if g.status not in {"pass", "warn"}] == []
    assert verdict.is_passed


@needs_golden
@pytest.mark.parametrize("broken", BREAKS, ids=lambda b: b.name)
def test_a_broken_copy_is_caught_by_the_gate_that_should(broken: Break, sandbox: BubblewrapSandbox) -> None:
    bundle = broken.apply(read_bundle(GOLDEN_FOLDER / broken.node))
    verdict = judge(bundle, sandbox)
    failed = {g.gate: g.message for g in verdict.gates if g.status == "fail"}
    assert broken.gate in failed, failed
    assert not verdict.is_passed
    assert verdict.quality_score < 1.0


GROSS = Example(input={"net": 100.0, "rate": 0.2}, output={"gross": 120.0})
ROUNDED = Example(input={"net": 0.1, "rate": 2.0}, output={"gross": 0.3})
NEGATIVE = Example(input={"net": -1.0, "rate": 0.2}, raises="VALIDATION_ERROR")


def test_right_logic_passes_its_examples(sandbox: BubblewrapSandbox) -> None:
    verdict = judge(reference_bundle(NodeKind.COMPUTE), sandbox, GROSS, ROUNDED, NEGATIVE)
    assert [(g.gate, g.message) for g in verdict.gates if g.status == "fail"] == []
    assert verdict.quality["examples"] == 1.0


@pytest.mark.parametrize(
    ("old", "new"),
    [("(1 + input", "(1 - input"), ("input_data.data.net < 0", "False"), ("VALIDATION_ERROR", "OPERATION_FAILED")],
)
def test_wrong_logic_fails_its_examples_and_scores_lower(old: str, new: str, sandbox: BubblewrapSandbox) -> None:
    bundle = edited(reference_bundle(NodeKind.COMPUTE), "node.py", old, new)
    verdict = judge(bundle, sandbox, GROSS, ROUNDED, NEGATIVE)
    assert [g.gate for g in verdict.gates if g.status == "fail"] == ["G-EXEC"]
    assert verdict.quality["examples"] < 1.0
    assert verdict.quality_score < 0.95


def test_the_node_s_own_tests_really_run(sandbox: BubblewrapSandbox) -> None:
    test = b'''"""Tests."""

import asyncio

from omnibase_core.models.compute.model_compute_input import ModelComputeInput
from omnibase_core.models.container.model_onex_container import ModelONEXContainer

from ..models import ModelTaxInput
from ..node import NodeTaxCompute


def test_gross() -> None:
    """The tax is added."""
    node = NodeTaxCompute(ModelONEXContainer())
    answer = asyncio.run(node.process(ModelComputeInput(data=ModelTaxInput(net=1.0, rate=0.5))))
    assert answer.result.gross == 1.5
'''
    bundle = reference_bundle(NodeKind.COMPUTE).with_files({"tests/__init__.py": b"", "tests/test_node.py": test})
    verdict = judge(bundle, sandbox)
    assert {g.gate: g.status for g in verdict.gates}["G-EXEC"] == "pass"
    assert "1 tests" in {g.gate: g.message for g in verdict.gates}["G-EXEC"]
    assert verdict.quality["tests"] == 1.0
