"""Stage 5.5: what the votes of a panel do to a node, and that edits prove themselves before they go in."""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.providers.errors import ModelTimeoutError
from omniclaude_dagster.stages.flow import record_of, result_of
from omniclaude_dagster.stages.state import GenerationState
from tests.support.stage_fakes import (
    DOUBLED,
    DOUBLING,
    PANEL,
    Seats,
    ballot,
    gateways_for,
    judging_sandbox,
    run_all,
    state_for,
)

RIGHT = "def doubles(data):\n    return ModelDoublerOutput(doubled=data.n * 2)\n"
ANOTHER = "def doubles(data):\n    return ModelDoublerOutput(doubled=2 * (data.n * 2) // 2)\n"
WRONG = "def doubles(data):\n    return ModelDoublerOutput(doubled=data.n * 3)\n"


def replacing(source: str) -> dict[str, Any]:
    return {"kind": "replace_logic", "source": source, "reason": "shorter"}


def reviewed(tmp_path: Path, ballots: Mapping[str, Any], *, mode: str = "strict", **more: Any) -> GenerationState:
    models = Seats(ballots, writes=RIGHT)
    sandbox = judging_sandbox(lambda logic: "* 2" in logic)
    gateways = gateways_for(tmp_path, sandbox=sandbox, models=models, panel=more.pop("panel", PANEL))
    return run_all(state_for(tmp_path, DOUBLING, examples=DOUBLED, mode=mode, **more), gateways)


def stage(state: GenerationState, number: str = "5.5") -> Any:
    return next(r for r in state.stage_records if r.stage == number)


def logic_of(tmp_path: Path) -> str:
    return (tmp_path / "out/node_doubler_compute/logic.py").read_text()


def all_say(score: float, verdict: str = "approve", **more: Any) -> dict[str, dict[str, Any]]:
    return {name: ballot(score, verdict, **more) for name in ("big", "middle", "small")}


def test_a_panel_that_agrees_lets_the_node_through(tmp_path: Path) -> None:
    state = reviewed(tmp_path, all_say(0.9))
    assert (state.status, state.error) == ("published", None)
    assert state.quorum is not None
    assert state.quorum.tally.decision == "apply"
    record = stage(state)
    assert (record.status, record.attempts) == ("completed", 3)
    assert record.quality_score == pytest.approx(0.9)
    # The score of the panel stands beside the quality, not inside it.
    assert state.quality is not None
    assert state.quality.score > 0.95


def test_a_doubtful_panel_sends_the_node_to_a_person(tmp_path: Path) -> None:
    state = reviewed(tmp_path, all_say(0.7, "revise"))
    assert state.status == "needs_review"
    assert "omniclaude review show request-1" in str(state.error)
    assert "* 2" in logic_of(tmp_path)


def test_a_panel_that_objects_blocks_and_names_what_it_found(tmp_path: Path) -> None:
    found = [{"file": "logic.py", "line": 7, "message": "doubles twice"}]
    state = reviewed(tmp_path, all_say(0.2, "reject", deficiencies=found))
    assert state.status == "blocked"
    assert "logic.py:7 doubles twice" in str(state.error)
    assert "omniclaude review show" in str(state.error)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
    assert stage(state, "6").status == "skipped"


def test_no_votes_never_mean_approval(tmp_path: Path) -> None:
    state = reviewed(tmp_path, {name: ModelTimeoutError("too late.") for name in ("big", "middle", "small")})
    assert state.status == "blocked"
    assert state.quorum is not None
    assert state.quorum.tally.score is None
    assert all("too late" in b.abstained_because for b in state.quorum.ballots)


def test_less_than_sixty_percent_of_the_weight_blocks_even_where_all_present_approve(tmp_path: Path) -> None:
    ballots = all_say(1.0) | {"big": ModelTimeoutError("too late.")}
    state = reviewed(tmp_path, ballots)
    assert state.status == "blocked"


def test_where_too_few_voted_the_message_says_who_did_not_and_what_helps(tmp_path: Path) -> None:
    ballots = all_say(1.0) | {"big": ModelTimeoutError("too late " * 50)}
    error = str(reviewed(tmp_path, ballots).error)
    assert "without a vote: big (" in error
    assert "too late" in error
    assert "middle" not in error
    for cure in ("omniclaude quorum panel", "OMNICLAUDE_PANEL", "omniclaude review show request-1"):
        assert cure in error
    assert len(error) < 700


def test_a_panel_that_voted_is_not_told_to_find_voters(tmp_path: Path) -> None:
    error = str(reviewed(tmp_path, all_say(0.2, "reject")).error)
    assert "without a vote" not in error
    assert "quorum panel" not in error


@pytest.mark.parametrize("mode", ["fast", "balanced"])
def test_other_modes_ask_no_quorum(mode: str, tmp_path: Path) -> None:
    state = reviewed(tmp_path, all_say(0.0, "reject"), mode=mode)
    assert stage(state).status == "skipped"
    assert state.quorum is None


def test_an_installation_without_a_panel_blocks_and_says_so(tmp_path: Path) -> None:
    state = reviewed(tmp_path, all_say(1.0), panel=None)
    assert state.status == "blocked"
    assert "panel" in str(state.error)


def test_an_edit_of_the_majority_that_changes_nothing_measurable_goes_in(tmp_path: Path) -> None:
    state = reviewed(tmp_path, all_say(0.9, edit=replacing(ANOTHER)))
    assert state.status == "published"
    assert "// 2" in logic_of(tmp_path)
    assert state.quorum is not None
    assert state.quorum.applied is not None
    assert "+" in state.quorum.applied.diff
    # Its gates are those of the delivered files: each gate stands once, and all passed.
    gates = [r.gate for r in state.gate_results]
    assert len(gates) == len(set(gates))


def test_an_edit_that_fails_an_example_is_dropped_however_many_want_it(tmp_path: Path) -> None:
    state = reviewed(tmp_path, all_say(0.95, edit=replacing(WRONG)))
    assert state.status == "published"
    assert "* 3" not in logic_of(tmp_path)
    assert state.quorum is not None
    assert state.quorum.applied is None
    assert [t.is_worse for t in state.quorum.tried] == [True]
    assert "worse: G-EXEC pass -> fail" in stage(state).message


def test_an_edit_that_is_only_suggested_is_kept_for_a_person_and_not_delivered(tmp_path: Path) -> None:
    state = reviewed(tmp_path, all_say(0.7, "revise", edit=replacing(ANOTHER)))
    assert state.status == "needs_review"
    assert "// 2" not in logic_of(tmp_path)
    assert state.quorum is not None
    assert state.quorum.suggested is not None
    assert b"// 2" in state.quorum.suggested.bundle.files["logic.py"]  # type: ignore[union-attr]
    shown = result_of(state).quorum
    assert shown is not None
    assert "// 2" in shown["suggested_diff"]
    assert shown["review_command"] == "omniclaude review show request-1"


def test_every_vote_and_every_call_reaches_the_records(tmp_path: Path) -> None:
    state = reviewed(tmp_path, all_say(0.9) | {"small": ModelTimeoutError("too late.")})
    record = record_of(state, result_of(state))
    assert record.quorum is not None
    assert [b.seat for b in record.quorum.ballots] == ["big", "middle", "small"]
    assert {c.model for c in record.model_calls if c.stage == "5.5"} == {"big", "middle", "small"}
    assert all(uuid.UUID(str(c.correlation_id)) == state.correlation_id for c in record.model_calls)


def test_a_scaffold_is_not_put_to_the_vote(tmp_path: Path) -> None:
    models = Seats(all_say(0.9), writes=RIGHT)
    gateways = gateways_for(tmp_path, models=models, panel=PANEL)
    prompt = "EFFECT node called Publisher that publishes messages to RabbitMQ"
    state = run_all(state_for(tmp_path, prompt, mode="strict"), gateways)
    assert stage(state).status == "skipped"
    assert models.asked == []
