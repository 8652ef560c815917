"""What the library learns: published, executed, of high quality, ours; and what came of patterns that were found."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.gates.quality import Quality
from omniclaude_dagster.patterns.model import Pattern
from omniclaude_dagster.providers.errors import ModelTimeoutError
from omniclaude_dagster.request.model import AcceptedRequest, NodeKind
from omniclaude_dagster.stages.learning import pattern_of, recorded_reuses_of, reuses_of
from omniclaude_dagster.stages.state import GenerationState
from tests.support.stage_fakes import (
    DOUBLED,
    DOUBLING,
    PANEL,
    ListedPatterns,
    QueuedModels,
    Seats,
    ballot,
    gateways_for,
    judging_sandbox,
    old_pattern,
    run_all,
    state_for,
)

OLD_BODY = "def old_function(data: ModelOldInput) -> ModelOldOutput:\n    return ModelOldOutput(doubled=data.n * 2)\n"
RIGHT = "def doubles(data):\n    return ModelDoublerOutput(doubled=data.n * 2)\n"


def published(tmp_path: Path, *, patterns: ListedPatterns | None = None) -> GenerationState:
    gateways = gateways_for(
        tmp_path,
        sandbox=judging_sandbox(lambda logic: "* 2" in logic),
        models=QueuedModels([RIGHT]),
        patterns=patterns,
    )
    state = run_all(state_for(tmp_path, DOUBLING, examples=DOUBLED), gateways)
    assert (state.status, state.error) == ("published", None)
    return state


def learned(state: GenerationState) -> Pattern | None:
    return pattern_of(state, core_version="0.47.57")


def test_a_published_generation_of_high_quality_becomes_a_pattern_with_all_that_reuses_it(tmp_path: Path) -> None:
    pattern = learned(published(tmp_path))
    assert pattern is not None
    assert (pattern.name, pattern.node_kind) == ("Doubler", NodeKind.COMPUTE)
    assert "data.n * 2" in pattern.code
    assert (pattern.inputs, pattern.outputs) == ({"n": "int"}, {"doubled": "int"})
    assert pattern.models_used == ("small-model",)
    assert "models/model_doubler_input.py" in pattern.models
    assert "node_type" in pattern.contract
    assert pattern.request["prompt"] == DOUBLING
    assert str(tmp_path) not in str(pattern.request)
    assert pattern.quality_score >= 0.95


def changed(state: GenerationState, **values: Any) -> GenerationState:
    return dataclasses.replace(state, **values)


def test_what_needs_review_is_no_pattern(tmp_path: Path) -> None:
    assert learned(changed(published(tmp_path), status="needs_review")) is None


def test_quality_below_the_bar_is_no_pattern(tmp_path: Path) -> None:
    state = published(tmp_path)
    assert learned(changed(state, quality=Quality(0.9499, {}))) is None
    assert learned(changed(state, quality=Quality(0.95, {}))) is not None


@pytest.mark.parametrize("status", ["fail", "skipped", None])
def test_code_that_was_not_executed_is_no_pattern(status: str | None, tmp_path: Path) -> None:
    state = published(tmp_path)
    results = [r for r in state.gate_results if r.gate != "G-EXEC"]
    if status is not None:
        executed = next(r for r in state.gate_results if r.gate == "G-EXEC")
        results.append(dataclasses.replace(executed, status=status))  # type: ignore[arg-type]
    assert learned(changed(state, gate_results=tuple(results))) is None


def test_a_benchmark_s_task_is_no_pattern(tmp_path: Path) -> None:
    state = published(tmp_path)
    accepted = AcceptedRequest(state.request_id, state.request, "benchmark")
    assert learned(changed(state, accepted=accepted)) is None


def test_code_too_large_for_a_pattern_is_delivered_and_not_learned(tmp_path: Path) -> None:
    state = published(tmp_path)
    assert state.blueprint is not None
    huge = dataclasses.replace(state.blueprint.logic, source=f"{RIGHT}\n# {'x' * 100_000}")
    assert learned(changed(state, blueprint=state.blueprint.with_logic(huge))) is None


def test_each_found_pattern_leaves_what_came_of_it_by_rank(tmp_path: Path) -> None:
    first = old_pattern(RIGHT, inputs={"m": "int"}, outputs={"doubled": "int"}, description="first")
    second = old_pattern("def (", inputs={"n": "int"}, outputs={"doubled": "int"}, description="second")
    reuses = reuses_of(published(tmp_path, patterns=ListedPatterns([first, second])))
    assert [(r.pattern_id, r.rank, r.role) for r in reuses] == [
        (first.pattern_id, 1, "offered"),
        (second.pattern_id, 2, "broken"),
    ]
    assert reuses[1].detail


def reusing(tmp_path: Path, ballots: Any) -> GenerationState:
    """A generation in mode strict that takes over the body of a pattern."""
    gateways = gateways_for(
        tmp_path,
        sandbox=judging_sandbox(lambda logic: "* 2" in logic),
        models=Seats(ballots),
        panel=PANEL,
        patterns=ListedPatterns([old_pattern(OLD_BODY, inputs={"n": "int"}, outputs={"doubled": "int"})]),
    )
    return run_all(state_for(tmp_path, DOUBLING, examples=DOUBLED, mode="strict"), gateways)


def all_say(score: float, verdict: str) -> dict[str, Any]:
    return {name: ballot(score, verdict) for name in ("big", "middle", "small")}


VOTES = {
    "nobody votes": ({n: ModelTimeoutError("too late.") for n in ("big", "middle", "small")}, "blocked", "too late"),
    "doubted": (all_say(0.7, "revise"), "needs_review", "a person must look"),
    "rejected": (all_say(0.1, "reject"), "blocked", "it is not delivered"),
}


@pytest.mark.parametrize("case", VOTES, ids=str)
def test_votes_are_no_failure_of_the_pattern_whose_body_was_reused(case: str, tmp_path: Path) -> None:
    ballots, status, why = VOTES[case]
    state = reusing(tmp_path, ballots)
    assert state.status == status, state.error
    # The person is told what happened; the library learns that nothing executed speaks against the body.
    assert [r.role for r in reuses_of(state)] == ["reused"]
    (recorded,) = recorded_reuses_of(state)
    assert recorded.role == "offered"
    assert why in recorded.detail


def test_a_reused_body_counts_where_it_was_published_and_where_a_gate_failed(tmp_path: Path) -> None:
    state = reusing(tmp_path, all_say(0.95, "approve"))
    assert (state.status, [r.role for r in recorded_reuses_of(state)]) == ("published", ["reused"])
    failed = [dataclasses.replace(r, status="fail") if r.gate == "G-EXEC" else r for r in state.gate_results]
    blocked = changed(state, status="blocked", error="G-EXEC: example 1", gate_results=tuple(failed))
    assert [r.role for r in recorded_reuses_of(blocked)] == ["reused"]
    away = changed(state, status="failed", error="the disk is full.\nCure: make room")
    (reuse,) = recorded_reuses_of(away)
    assert (reuse.role, reuse.detail) == (
        "offered",
        "its body was taken over, and not judged: the disk is full. Cure: make room",
    )
