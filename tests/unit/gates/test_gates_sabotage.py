"""G-EXEC tries the node's own tests out on a broken node: what is broken, and what the answers mean."""

import ast
from typing import Any

import pytest

from omniclaude_dagster.gates.registry import judge_node
from omniclaude_dagster.gates.sabotage import sabotaged_files
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request.model import Example, NodeKind
from omniclaude_dagster.sandbox.model import SandboxOutcome
from tests.support.reference_nodes import ScriptedSandbox, executed, node_context, reference_bundle

COMPUTE = reference_bundle(NodeKind.COMPUTE).with_files({"tests/test_node.py": b"def test_x() -> None: ...\n"})
LOGIC = b"def gross(net: float) -> float:\n    return net\n\n\ndef helper() -> int: ...\n\n\ndef _own() -> None: ...\n"
EXAMPLE = Example(input={"net": 100.0, "rate": 0.2}, output={"gross": 120.0})
REFUSAL = Example(input={"net": -1.0, "rate": 0.2}, raises="VALIDATION_ERROR")
SURVIVED = {"passed": 3, "failed": 0, "errors": 0}


def broken(bundle: NodeBundle, path: str, **changes: Any) -> str:
    """What is appended to a file."""
    files = sabotaged_files(node_context(bundle, **changes))
    assert files is not None
    text = files[f"{bundle.package_name}/{path}"].decode()
    ast.parse(text)
    return text.removeprefix(bundle.files[path].decode())


def test_process_raises_where_no_answer_is_known() -> None:
    for examples in ((), (REFUSAL,)):
        tail = broken(COMPUTE, "node.py", examples=examples)
        assert "NodeTaxCompute.process = _sabotaged(NodeTaxCompute.process)" in tail
        assert "BufferError" in tail


def test_process_answers_wrongly_where_an_answer_is_known() -> None:
    tail = broken(COMPUTE, "node.py", examples=(EXAMPLE,))
    assert "shifted" in tail
    assert "BufferError" not in tail


def test_an_effect_raises_even_with_examples() -> None:
    bundle = reference_bundle(NodeKind.EFFECT)
    assert "BufferError" in broken(
        bundle, "node.py", examples=(Example(input={"text": "a"}, output={"notes_kept": 1}),)
    )


def test_logic_is_broken_where_the_node_takes_it_from() -> None:
    node = COMPUTE.files["node.py"].replace(b"from .models", b"from .logic import gross\nfrom .models")
    taken = COMPUTE.with_files({"logic.py": LOGIC, "node.py": node})
    assert broken(taken, "logic.py").endswith("\ngross = _sabotaged(gross)\n")
    loose = broken(COMPUTE.with_files({"logic.py": LOGIC}), "logic.py")
    assert loose.endswith("\ngross = _sabotaged(gross)\nhelper = _sabotaged(helper)\n")


def test_all_other_files_stay() -> None:
    files = sabotaged_files(node_context(COMPUTE))
    assert files is not None
    assert {path for path in files if files[path] != node_context(COMPUTE).folder_files[path]} == {
        "node_tax_compute/node.py"
    }


def test_a_node_with_nothing_of_its_own_cannot_be_broken() -> None:
    assert sabotaged_files(node_context(reference_bundle(NodeKind.ORCHESTRATOR))) is None


@pytest.mark.parametrize(
    "value", [0, -1, 3, 0.0, -0.5, 1e300, True, False, None, "", "a", [], [1], (), {}, {"a": False}, {"a": ["x"]}]
)
def test_no_value_comes_back_unchanged(value: Any) -> None:
    """The appended text is ours: it is safe to run here."""
    names: dict[str, Any] = {}
    source = (
        broken(COMPUTE, "node.py", examples=(EXAMPLE,)).rpartition("\n\n")[0].partition("NodeTaxCompute.process")[0]
    )
    exec(source, names)

    def answer() -> Any:
        return value

    once = names["_sabotaged"](answer)
    twice = names["_sabotaged"](once)
    for changed in (once(), twice()):
        assert changed != value
        assert not (isinstance(value, bool) and isinstance(changed, bool))


def judged(answers: dict[str, Any], **changes: Any) -> Any:
    return judge_node(node_context(COMPUTE, ScriptedSandbox(answers), examples=(EXAMPLE,), **changes))


def test_tests_that_notice_pass_the_gate() -> None:
    verdict = judged({})
    assert verdict.is_passed
    assert verdict.quality["tests"] == 1.0


def test_tests_that_pass_with_a_broken_node_fail_the_gate_and_count_nothing() -> None:
    verdict = judged({"run_tests_sabotaged": SURVIVED})
    found = {g.gate: g for g in verdict.gates}["G-EXEC"]
    assert found.status == "fail"
    assert "prove nothing" in found.message
    assert verdict.quality["tests"] == 0.0
    assert not verdict.is_passed


@pytest.mark.parametrize(
    "answer", [{"errors": 1}, {"failed": 2}, SandboxOutcome("timeout", "slow"), SandboxOutcome("crashed", "ended")]
)
def test_any_other_end_is_taken_for_noticing(answer: Any) -> None:
    assert judged({"run_tests_sabotaged": answer}).is_passed


def test_tests_that_fail_anyway_are_not_tried_out() -> None:
    sandbox = ScriptedSandbox({"run_tests": {"passed": 1, "failed": 1}})
    judge_node(node_context(COMPUTE, sandbox))
    assert "run_tests_sabotaged" not in sandbox.tasks
    wrong = ScriptedSandbox({"execute_node": executed(output={"gross": 1.0})})
    judge_node(node_context(COMPUTE, wrong, examples=(EXAMPLE,)))
    assert "run_tests_sabotaged" not in wrong.tasks
