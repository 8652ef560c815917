"""G14 by its text: what a pure node's answer may depend on, and what its calls may not share."""

import pytest

from omniclaude_dagster.gates.registry import run_compilation
from omniclaude_dagster.gates.report import GateResult
from omniclaude_dagster.request.model import NodeKind
from tests.support.reference_nodes import ScriptedSandbox, executed, node_context, reference_bundle

OUTPUTS = {
    NodeKind.COMPUTE: {"gross": 1.0},
    NodeKind.REDUCER: {"total": 1.0, "count": 1},
    NodeKind.EFFECT: {"notes_kept": 1},
}


def judged(code: str, kind: NodeKind = NodeKind.COMPUTE, *, path: str = "logic.py") -> GateResult:
    bundle = reference_bundle(kind).with_files({path: f'"""Logic."""\n\n{code}\n'.encode()})
    sandbox = ScriptedSandbox({"execute_node": executed(output=OUTPUTS[kind])})
    return {r.gate: r for r in run_compilation(node_context(bundle, sandbox))}["G14"]


CHANCE = [
    ("from datetime import date\n\n\ndef f():\n    return date.today()", "reads the clock (datetime.date.today)"),
    ("import datetime\n\n\ndef f():\n    return datetime.datetime.now(datetime.UTC)", "datetime.datetime.now"),
    ("import time\n\n\ndef f():\n    return time.time()", "reads the clock (time.time)"),
    ("import random\n\n\ndef f():\n    return random.randint(1, 2)", "depends on chance (random.randint)"),
    ("from random import shuffle\n\n\ndef f(x):\n    shuffle(x)", "depends on chance (random.shuffle)"),
    ("import random\n\n\ndef f():\n    return random.Random().random()", "depends on chance (random.Random)"),
    ("from uuid import uuid4\n\n\ndef f():\n    return uuid4()", "depends on chance (uuid.uuid4)"),
    ("import secrets\n\n\ndef f():\n    return secrets.token_hex()", "depends on chance (secrets.token_hex)"),
]
SHARED = [
    ("N = 0\n\n\ndef f():\n    global N\n    N += 1", "changes the module's N from a call"),
    ("SEEN = {}\n\n\ndef f(k):\n    SEEN[k] = 1", "changes the module's SEEN, which all calls share"),
    ("SEEN: list[int] = []\n\n\ndef f(k):\n    SEEN.append(k)", "changes the module's SEEN"),
    ("SEEN = {}\n\n\nclass A:\n    def f(self, k):\n        del SEEN[k]", "changes the module's SEEN"),
]


@pytest.mark.parametrize(("code", "named"), [*CHANCE, *SHARED])
def test_a_compute_node_depends_on_its_input_alone(code: str, named: str) -> None:
    found = judged(code)
    assert found.status == "fail"
    assert named in found.message


@pytest.mark.parametrize(("code", "named"), SHARED)
def test_calls_of_a_reducer_share_nothing(code: str, named: str) -> None:
    assert named in judged(code, NodeKind.REDUCER).message


@pytest.mark.parametrize("code", [code for code, _ in (*CHANCE, *SHARED)])
def test_an_effect_may_do_all_that(code: str) -> None:
    assert judged(code, NodeKind.EFFECT).status == "pass"


@pytest.mark.parametrize(
    "code",
    [
        "from time import perf_counter\n\n\ndef f():\n    return perf_counter()",
        "import random\n\n\ndef f(seed):\n    return random.Random(seed).random()",
        "from datetime import date\n\n\ndef f(day: date):\n    return day.isoformat()",
        "SIZES = {'a': 1}\n\n\ndef f(k):\n    return SIZES[k]",
        "def f(items):\n    seen = []\n    seen.append(1)\n    items[0] = 1\n    return seen",
        "SEEN = []\n\n\ndef f(SEEN):\n    SEEN.append(1)",
        "X = []\nX.append(1)",
    ],
)
def test_what_stays_within_a_call_is_allowed(code: str) -> None:
    assert judged(code).status == "pass"


def test_a_reducer_may_read_the_clock_and_the_start_script_may_do_both() -> None:
    clock, shared = CHANCE[0][0], SHARED[0][0]
    assert judged(clock, NodeKind.REDUCER).status == "pass"
    assert judged(f"{shared}", path="start_node.py").status == "pass"
