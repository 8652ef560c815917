"""The harness tasks on real nodes: the golden ones, and copies broken in one way each."""

from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.sandbox.model import SandboxJob, SandboxLimits
from tests.sandbox.conftest import node_files

pytestmark = pytest.mark.sandbox

GOLDEN = {
    "node_user_writer_effect": "EFFECT",
    "node_tax_compute": "COMPUTE",
    "node_score_reducer": "REDUCER",
    "node_order_flow_orchestrator": "ORCHESTRATOR",
}
Files = dict[str, bytes]


def ask(sandbox: BubblewrapSandbox, task: str, files: Files, package: str, **arguments: Any) -> Any:
    limits = SandboxLimits(wall_s=60)
    outcome = sandbox.run(SandboxJob(task, files, {"package": package, **arguments}, limits))
    assert outcome.status == "ok", outcome
    return outcome.result


def changed(files: Files, name: str, old: str, new: str) -> Files:
    content = files[name].decode()
    assert old in content
    return {**files, name: content.replace(old, new).encode()}


@pytest.mark.parametrize(("name", "kind"), GOLDEN.items())
def test_a_golden_node_executes_with_a_synthesised_sample(
    sandbox: BubblewrapSandbox, golden: Path, name: str, kind: str
) -> None:
    report = ask(sandbox, "execute_node", node_files(golden / name), name)
    for stage in ("import", "instantiate", "initialize", "introspection", "contract", "sample", "cleanup"):
        assert report[stage]["ok"], (stage, report[stage])
    assert report["kind"] == kind
    assert [entry["outcome"] for entry in report["processed"]] == ["returned"]


@pytest.mark.parametrize("task", ["lint", "typecheck"])
@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_node_is_clean(sandbox: BubblewrapSandbox, golden: Path, name: str, task: str) -> None:
    assert ask(sandbox, task, node_files(golden / name), name) == []


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_node_passes_the_frameworks_own_validation(
    sandbox: BubblewrapSandbox, golden: Path, name: str
) -> None:
    assert ask(sandbox, "onex_validate", node_files(golden / name), name)["is_clean"]


def test_two_models_in_one_file_do_not_pass_the_frameworks_validation(sandbox: BubblewrapSandbox, golden: Path) -> None:
    files = node_files(golden / "node_tax_compute")
    name = "node_tax_compute/models/model_tax_input.py"
    files[name] += b"\n\nclass ModelOther(BaseModel):\n    x: int\n"
    assert not ask(sandbox, "onex_validate", files, "node_tax_compute")["is_clean"]


def test_given_samples_are_processed_in_order(sandbox: BubblewrapSandbox, golden: Path) -> None:
    samples = [{"net": 100, "rate": 0.5}, {"net": "no number", "rate": 1}, {"net": 0, "rate": 0}]
    report = ask(sandbox, "execute_node", node_files(golden / "node_tax_compute"), "node_tax_compute", samples=samples)
    assert [entry["outcome"] for entry in report["processed"]] == ["returned", "raised", "returned"]
    assert report["processed"][0]["output"] == {"gross": 150.0}
    assert report["processed"][1]["error_type"] == "ValidationError"


def test_an_error_code_of_the_framework_is_reported(sandbox: BubblewrapSandbox, golden: Path) -> None:
    files = node_files(golden / "node_user_writer_effect")
    samples = [{"user_id": "none"}]
    report = ask(sandbox, "execute_node", files, "node_user_writer_effect", samples=samples)
    entry = report["processed"][0]
    assert (entry["error_type"], entry["error_code"]) == ("ModelOnexError", "ONEX_CORE_006_VALIDATION_ERROR")
    assert entry["file"] == "node_user_writer_effect/node.py"


def test_a_reducer_gets_the_items_of_its_sample(sandbox: BubblewrapSandbox, golden: Path) -> None:
    samples = [{"items": [{"score": 1}, {"score": 2.5}]}]
    files = node_files(golden / "node_score_reducer")
    report = ask(sandbox, "execute_node", files, "node_score_reducer", samples=samples)
    assert report["processed"][0]["output"] == {"total": 3.5, "count": 2}


SUPPORT = b"""
from omnibase_core.enums.enum_effect_types import EnumEffectType
from omnibase_core.models.effect.model_effect_input import ModelEffectInput

async def prepare(node):
    node._rows = None if node is None else {}
    node.prepared = True

def prepare_input(node, sample):
    assert node.prepared
    return ModelEffectInput(effect_type=EnumEffectType.API_CALL, operation_data=sample)
"""


def test_a_support_module_prepares_the_node_and_its_input(sandbox: BubblewrapSandbox, golden: Path) -> None:
    name = "node_user_writer_effect"
    files = {**node_files(golden / name), f"{name}/tests/__init__.py": b"", f"{name}/tests/support.py": SUPPORT}
    report = ask(sandbox, "execute_node", files, name, support_module=f"{name}.tests.support")
    assert report["processed"][0]["envelope"]["effect_type"] == "api_call"


BROKEN = {
    "syntax": ("node.py", "class NodeTaxCompute(", "class NodeTaxCompute((", "import"),
    "import": ("node.py", "from .models import ModelTaxInput,", "from .models import ModelTaxInputs,", "import"),
    "constructor": (
        "node.py",
        "    async def process(",
        "    def __init__(self, container):\n        raise ValueError('no')\n\n    async def process(",
        "instantiate",
    ),
    "contract": ("contract.yaml", "performance: {single_operation_max_ms: 50}", "", "contract"),
    "contract_extra": ("contract.yaml", "description:", "surplus: 1\ndescription:", "contract"),
}


@pytest.mark.parametrize(("file", "old", "new", "stage"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_node_fails_in_the_stage_that_is_broken(
    sandbox: BubblewrapSandbox, golden: Path, file: str, old: str, new: str, stage: str
) -> None:
    name = "node_tax_compute"
    files = changed(node_files(golden / name), f"{name}/{file}", old, new)
    report = ask(sandbox, "execute_node", files, name)
    assert not report[stage]["ok"]
    assert report[stage]["error_type"]


def test_a_blocking_process_is_an_outcome_of_the_job(sandbox: BubblewrapSandbox, golden: Path) -> None:
    name = "node_tax_compute"
    files = changed(
        node_files(golden / name), f"{name}/node.py", "        result =", "        while True: pass\n        result ="
    )
    limits = SandboxLimits(wall_s=1.5)
    assert sandbox.run(SandboxJob("execute_node", files, {"package": name}, limits)).status == "timeout"


def test_an_error_of_types_is_found_with_its_line(sandbox: BubblewrapSandbox, golden: Path) -> None:
    name = "node_tax_compute"
    files = changed(node_files(golden / name), f"{name}/node.py", "gross=", "gros=")
    errors = ask(sandbox, "typecheck", files, name)
    assert {error["code"] for error in errors} == {"call-arg"}
    assert {error["file"] for error in errors} == {f"{name}/node.py"}
    assert errors[0]["line"] > 1


def test_the_linter_reports_security_findings_by_code(sandbox: BubblewrapSandbox) -> None:
    files = {"p/__init__.py": b"import os\nos.system('ls')\nassert 1\n", "p/tests/test_x.py": b"assert 1\n"}
    issues = ask(sandbox, "lint", files, "p")
    assert {"S605", "S101"} <= {issue["code"] for issue in issues}
    assert not [issue for issue in issues if issue["file"] == "p/tests/test_x.py" and issue["code"] == "S101"]


def test_unresolved_imports_are_named_with_the_reason(sandbox: BubblewrapSandbox, golden: Path) -> None:
    name = "node_tax_compute"
    imports = [
        ["omnibase_core.nodes.node_compute", "NodeCompute", "node.py", 1],
        ["omnibase_core.nodes", "node_compute", "node.py", 2],
        ["omnibase_core.core.gone", "X", "node.py", 3],
        ["omnibase_core.errors", "NoSuchError", "node.py", 4],
        [f"{name}.models", "ModelTaxInput", "node.py", 5],
        ["asyncio", None, "node.py", 6],
    ]
    unresolved = ask(sandbox, "resolve_imports", node_files(golden / name), name, imports=imports)
    assert [entry["line"] for entry in unresolved] == [3, 4]
    assert all(entry["reason"] for entry in unresolved)


MODEL = b"""
from typing import Any
from pydantic import BaseModel, ConfigDict

class ModelLoose(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    anything: dict[str, Any]
    items: list[int] = []
    count: int = 1
"""


def test_models_are_described_as_pydantic_sees_them(sandbox: BubblewrapSandbox) -> None:
    files = {"p/__init__.py": b"", "p/models/__init__.py": b"", "p/models/model_loose.py": MODEL}
    files["p/models/model_bad.py"] = b"x = 1\nraise ValueError('bad')\n"
    found = ask(sandbox, "inspect_models", files, "p")
    (model,) = found["models"]
    assert (model["name"], model["is_frozen"], model["extra"], model["is_json_schema_ok"]) == (
        "ModelLoose", True, "forbid", True,
    )  # fmt: skip
    fields = {field["name"]: field for field in model["fields"]}
    assert fields["anything"]["is_any"]
    assert fields["items"]["is_mutable_default"]
    assert not fields["count"]["is_any"]
    assert found["errors"][0]["file"] == "p/models/model_bad.py"
    assert found["errors"][0]["line"] == 2


TESTS = b"""
import asyncio
import pytest

def test_passes():
    asyncio.run(asyncio.sleep(0))

def test_fails():
    assert 1 == 2

@pytest.mark.skip
def test_skips(): pass

@pytest.fixture
def broken(): raise ValueError

def test_errs(broken): pass
"""


def test_the_nodes_own_tests_are_counted(sandbox: BubblewrapSandbox) -> None:
    files = {"p/__init__.py": b"", "p/tests/__init__.py": b"", "p/tests/test_p.py": TESTS}
    result = ask(sandbox, "run_tests", files, "p")
    assert {key: result[key] for key in ("passed", "failed", "errors", "skipped")} == {
        "passed": 1, "failed": 1, "errors": 1, "skipped": 1,
    }  # fmt: skip
    assert "assert 1 == 2" in result["failures"][0]["message"]


DEMANDING = b"""
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal
from uuid import UUID
from pydantic import BaseModel, ConfigDict, Field

class Colour(Enum):
    RED = "red"

class Inner(BaseModel):
    code: str = Field(pattern=r"^[A-Z]{3}-\\\\d{2,4}$")

class ModelTaxInput(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    net: float = Field(gt=10, lt=11)
    rate: float = Field(ge=0.5, le=0.6)
    id: UUID
    at: datetime
    colour: Colour
    inner: Inner
    many: list[Inner] = Field(min_length=2)
    amount: Decimal
    kind: Literal["a", "b"]
    step: int = Field(multiple_of=7, ge=8)
    maybe: int | None
    pair: tuple[int, str]
    name: str = Field(min_length=5, max_length=6)
    tags: dict[str, int]
"""


def test_a_demanding_model_gets_a_valid_sample(sandbox: BubblewrapSandbox, golden: Path) -> None:
    name = "node_tax_compute"
    files = {**node_files(golden / name), f"{name}/models/model_tax_input.py": DEMANDING.replace(b"\\\\", b"\\")}
    report = ask(sandbox, "execute_node", files, name)
    assert report["sample"]["ok"], report["sample"]
    assert report["processed"][0]["outcome"] == "returned", report["processed"]


def test_an_unknown_task_is_the_callers_mistake(sandbox: BubblewrapSandbox) -> None:
    with pytest.raises(ValueError, match="no sandbox task"):
        sandbox.run(SandboxJob("../zygote", {}))
