"""Bodies by models, through the cascade: verdicts on record, chains, typing findings, functions without examples."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.providers.chains import Chain, Chains
from omniclaude_dagster.providers.errors import AuthError, TruncatedReplyError
from omniclaude_dagster.request.model import Mode
from omniclaude_dagster.sandbox.model import SandboxJob
from omniclaude_dagster.stages.state import GenerationState
from tests.support.reference_nodes import ScriptedSandbox, executed
from tests.support.stage_fakes import (
    DOUBLED,
    DOUBLING,
    QueuedModels,
    gateways_for,
    judging_sandbox,
    run_all,
    state_for,
)

RIGHT = "def doubles(data):\n    return ModelDoublerOutput(doubled=data.n * 2)\n"
WRONG = "def doubles(data):\n    return ModelDoublerOutput(doubled=data.n * 3)\n"
UNTYPED = "def doubles(data):\n    return ModelDoublerOutput(doubled=data.n * 2 + 0)\n"
SPELLED_OUT = '''def count_pairs(numbers: list[int]) -> int:
    """Count the pairs of equal neighbours."""
'''
PAIRS = "def count_pairs(numbers: list[int]) -> int:\n    return sum(a == b for a, b in zip(numbers, numbers[1:]))\n"


def generate(tmp_path: Path, models: QueuedModels, *, chains: Chains | None = None, **more: Any) -> GenerationState:
    sandbox = more.pop("sandbox", None) or judging_sandbox(lambda logic: "* 2" in logic)
    gateways = gateways_for(tmp_path, sandbox=sandbox, models=models)
    gateways = replace(gateways, chains=chains) if chains else gateways
    prompt = more.pop("prompt", DOUBLING)
    return run_all(state_for(tmp_path, prompt, examples=more.pop("examples", DOUBLED), **more), gateways)


def stage_3(state: GenerationState) -> Any:
    return next(r for r in state.stage_records if r.stage == "3")


def test_a_model_that_fails_three_times_is_followed_by_the_next_and_every_call_has_its_verdict(tmp_path: Path) -> None:
    models = QueuedModels([WRONG, WRONG, WRONG, RIGHT], names=("cheap", "dear"))
    state = generate(tmp_path, models)
    assert state.status == "published", state.error
    assert [c.model for c in state.model_calls] == ["cheap", "cheap", "cheap", "dear"]
    verdicts = [c.verdict or "" for c in state.model_calls]
    assert all("instead of" in verdict for verdict in verdicts[:3])
    assert verdicts[3] == "accepted"
    assert state.blueprint is not None
    assert state.blueprint.logic.model == "dear"
    # The next model starts afresh: it is not shown the errors of the one before.
    assert len(models.asked[3][1].messages) == len(models.asked[0][1].messages)


def test_an_answer_that_holds_no_function_has_that_as_its_verdict(tmp_path: Path) -> None:
    state = generate(tmp_path, QueuedModels(["I cannot.", "import os\n" + RIGHT, RIGHT]))
    assert [c.verdict for c in state.model_calls] == [
        "the answer holds no Python that can be parsed",
        "the answer imports os, which is not allowed",
        "accepted",
    ]


def test_a_failed_call_has_its_failure_as_its_verdict_and_a_host_that_is_away_is_not_asked_again(
    tmp_path: Path,
) -> None:
    state = generate(tmp_path, QueuedModels([AuthError("refused."), RIGHT], names=("first", "second")))
    assert [(c.model, c.verdict) for c in state.model_calls] == [("first", "auth: refused."), ("second", "accepted")]


def test_after_a_cut_answer_the_next_may_be_longer(tmp_path: Path) -> None:
    models = QueuedModels([TruncatedReplyError("cut."), RIGHT])
    assert generate(tmp_path, models).status == "published"
    first, second = (request.max_tokens for _, request in models.asked)
    assert second == 2 * first


def test_a_chain_says_who_is_asked_and_how_often_and_its_gaps_are_said(tmp_path: Path) -> None:
    mine = Chain(models=("absent", "second", "first"), tries_per_model=1)
    models = QueuedModels([WRONG, RIGHT], names=("first", "second"))
    state = generate(tmp_path, models, chains=replace(Chains(), chosen=mine))
    assert [name for name, _ in models.asked] == ["second", "first"]
    assert state.status == "published"
    assert "absent is left out" in stage_3(state).message


def test_a_chain_of_which_nothing_is_configured_leaves_a_scaffold_that_says_so(tmp_path: Path) -> None:
    chains = replace(Chains(), chosen=Chain(models=("absent",)))
    state = generate(tmp_path, QueuedModels(), chains=chains)
    assert state.status == "needs_review"
    assert "absent is left out" in (state.error or "")


def type_error(job: SandboxJob) -> list[dict[str, Any]]:
    """The type checker complains about bodies with `+ 0` in them."""
    (path, logic) = next((p, t.decode()) for p, t in job.files.items() if p.endswith("/logic.py"))
    lines = [n for n, line in enumerate(logic.splitlines(), 1) if "+ 0" in line]
    return [{"file": path, "line": n, "message": "Unsupported operand", "code": "operator"} for n in lines]


def picky_sandbox() -> ScriptedSandbox:
    return judging_sandbox(lambda logic: "* 2" in logic, typecheck=type_error)


def test_a_typing_finding_goes_back_to_the_model(tmp_path: Path) -> None:
    models = QueuedModels([UNTYPED, RIGHT])
    state = generate(tmp_path, models, sandbox=picky_sandbox())
    assert state.status == "published"
    assert "Unsupported operand" in models.asked[1][1].messages[-1].content
    assert "types: logic.py:" in (state.model_calls[0].verdict or "")


def test_a_body_with_only_a_typing_finding_left_is_delivered_for_review_and_not_thrown_away(tmp_path: Path) -> None:
    models = QueuedModels([UNTYPED, WRONG, UNTYPED, WRONG, WRONG, WRONG], names=("cheap", "dear"))
    state = generate(tmp_path, models, sandbox=picky_sandbox())
    assert len(models.asked) == 6
    assert state.status == "needs_review"
    assert "open finding" in (state.error or "")
    assert "Unsupported operand" in (state.error or "")
    assert "data.n * 2" in (tmp_path / "out/node_doubler_compute/logic.py").read_text()
    assert not (tmp_path / "out/node_doubler_compute/REVIEW.md").exists()


def test_in_mode_strict_a_typing_finding_is_as_good_as_a_wrong_body(tmp_path: Path) -> None:
    state = generate(tmp_path, QueuedModels([UNTYPED] * 3), sandbox=picky_sandbox(), mode=Mode.STRICT)
    assert state.status == "needs_review"
    assert "data.n * 2" not in (tmp_path / "out/node_doubler_compute/logic.py").read_text()


def any_result(output: Any) -> ScriptedSandbox:
    return ScriptedSandbox({"execute_node": executed(output=output)})


def spelled_out(tmp_path: Path, answers: list[str], sandbox: ScriptedSandbox, **more: Any) -> GenerationState:
    request = {"prompt": SPELLED_OUT, "examples": (), "node_kind": "COMPUTE", "name": "Pairs"}
    return generate(tmp_path, QueuedModels(answers), sandbox=sandbox, **{**request, **more})


def test_a_function_without_any_example_is_written_and_never_published_as_proven(tmp_path: Path) -> None:
    state = spelled_out(tmp_path, [PAIRS], any_result({"result": 1}))
    assert state.status == "needs_review", state.error
    assert "nothing has shown that its body is right" in (state.error or "")
    assert [c.verdict for c in state.model_calls] == ["accepted"]
    assert "zip(numbers, numbers[1:])" in (tmp_path / "out/node_pairs_compute/logic.py").read_text()


def test_with_an_example_the_same_function_is_published(tmp_path: Path) -> None:
    examples = ({"input": {"numbers": [1, 1]}, "output": {"result": 1}},)
    assert spelled_out(tmp_path, [PAIRS], any_result({"result": 1}), examples=examples).status == "published"


def test_mode_fast_asks_no_model_for_a_function_either(tmp_path: Path) -> None:
    state = spelled_out(tmp_path, [], any_result({"result": 1}), mode=Mode.FAST)
    assert state.status == "needs_review"
    assert "mode fast asks no model" in stage_3(state).message


@pytest.mark.parametrize(
    "hostile",
    [
        lambda body: f"import subprocess\n{body}",
        lambda body: body.replace("count_pairs", "other_name"),
        lambda body: f"class Pairs:\n    {body.replace(chr(10), chr(10) + '    ')}",
        lambda body: f"async {body}",
        lambda body: body.replace("sum(", "exec('x') or sum("),
        lambda body: "x" * 1_000_000,
    ],
    ids=["import", "other symbol", "class", "async", "exec", "1 MB"],
)
def test_a_hostile_answer_for_a_function_leaves_a_scaffold(hostile: Callable[[str], str], tmp_path: Path) -> None:
    state = spelled_out(tmp_path, [hostile(PAIRS)] * 3, any_result({"result": 1}))
    assert state.status == "needs_review"
    assert "no model's answer was accepted" in (state.error or "")
    assert all(c.verdict and c.verdict != "accepted" for c in state.model_calls)
    assert "zip(numbers" not in (tmp_path / "out/node_pairs_compute/logic.py").read_text()
