"""The flow: every stage leaves a record, a decision ends the work, every failure becomes an outcome."""

import dataclasses
import hashlib
import logging
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.errors import ConflictError, StorageError, UnsafePathError
from omniclaude_dagster.sandbox.model import SandboxJob, SandboxOutcome
from omniclaude_dagster.stages import flow
from omniclaude_dagster.stages.flow import result_of
from omniclaude_dagster.stages.model import STAGES
from omniclaude_dagster.stages.state import GenerationState
from tests.support.reference_nodes import NoSandbox, ScriptedSandbox, executed, returned
from tests.support.stage_fakes import (
    DOUBLED,
    DOUBLING,
    PANEL,
    QueuedModels,
    Seats,
    ballot,
    gateways_for,
    judging_sandbox,
    run_all,
    run_until,
    state_for,
)

PRICING = "COMPUTE node for pricing calculation"
RABBIT_MQ = "Create EFFECT node for RabbitMQ message publishing"


def perfect(job: SandboxJob) -> dict[str, Any]:
    output = {"net": 27.0, "tax": 5.4, "gross": 32.4}
    return executed(processed=[returned(s, output) for s in job.arguments["samples"]])(job)


def statuses(state: GenerationState) -> dict[str, str]:
    return {record.stage: record.status for record in state.stage_records}


def delivered(tmp_path: Path) -> list[Path]:
    """Every file below the output folder, also hidden and temporary ones."""
    return [p for p in (tmp_path / "out").rglob("*") if p.is_file()]


def test_a_good_request_is_published_and_every_stage_leaves_a_record_in_order(tmp_path: Path) -> None:
    gateways = gateways_for(tmp_path, sandbox=ScriptedSandbox({"execute_node": perfect}))
    state = run_all(state_for(tmp_path, PRICING, mode="fast"), gateways)
    assert (state.status, state.error) == ("published", None)
    assert [(r.stage, r.name) for r in state.stage_records] == list(STAGES)
    assert set(statuses(state).values()) == {"completed", "skipped"}
    assert statuses(state)["5.5"] == "skipped"
    assert all(r.correlation_id == state.correlation_id for r in state.stage_records)
    assert all(r.latency_ms >= 0 and r.started_at.tzinfo is not None for r in state.stage_records)
    assert {g.gate for g in state.gate_results} >= {"G1", "G8", "G9", "G12", "G13", "G14", "G-EXEC"}


def test_a_result_says_what_was_published_with_the_hashes_of_what_is_on_disk(tmp_path: Path) -> None:
    gateways = gateways_for(tmp_path, sandbox=ScriptedSandbox({"execute_node": perfect}))
    state = run_all(state_for(tmp_path, PRICING, mode="fast"), gateways)
    result = result_of(state)
    assert result.node["path"] == str(tmp_path / "out/node_pricing_calculator_compute")
    assert result.node["class_name"] == "NodePricingCalculatorCompute"
    assert {Path(f["path"]).name for f in result.files} >= {"node.py", "logic.py", "contract.yaml"}
    assert {Path(f["path"]) for f in result.files} == set(delivered(tmp_path))
    for file in result.files:
        content = Path(file["path"]).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (file["sha256"], file["bytes"])
    assert (result.cost_usd, result.error) == (0.0, None)
    assert len(result.stages) == len(STAGES)
    assert result.quality_score == 1.0


@pytest.mark.parametrize(
    ("more", "gate"),
    [
        ({"prompt": "do something with the things over there"}, "G"),
        ({"prompt": PRICING, "name": "../../x"}, "G3"),
        ({"prompt": PRICING, "name": "class"}, "G3"),
        ({"prompt": PRICING, "name": "A" * 300}, "G3"),
        ({"prompt": PRICING, "name": "Rocket\U0001f680"}, "G3"),
        ({"prompt": PRICING, "name": "Json"}, "G3"),
        ({"prompt": PRICING, "name": "/etc/x"}, "G3"),
    ],
)
def test_a_blocked_request_names_its_gate_and_generates_nothing(
    more: dict[str, Any], gate: str, tmp_path: Path
) -> None:
    gateways = gateways_for(tmp_path, sandbox=NoSandbox())
    state = run_all(state_for(tmp_path, **more, mode="fast"), gateways)
    assert state.status == "blocked"
    assert gate in (state.error or "")
    assert statuses(state)["2"] == "failed"
    assert {statuses(state)[n] for n in ("3", "4.5", "4", "5.5", "6", "5")} == {"skipped"}
    assert state.bundle is None
    assert delivered(tmp_path) == []


def test_an_output_folder_that_cannot_be_written_blocks_before_anything_is_generated(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file stands where the folder should be")
    state = run_all(state_for(tmp_path, PRICING, mode="fast"), gateways_for(tmp_path, sandbox=NoSandbox()))
    assert state.status == "blocked"
    assert "G6" in (state.error or "")
    assert (tmp_path / "out").read_text().startswith("a file")


def test_an_example_with_an_unusable_field_blocks_with_the_cure(tmp_path: Path) -> None:
    examples = [{"input": {"class": 1}, "output": {"b": 1}}]
    state = run_all(state_for(tmp_path, DOUBLING, examples=examples, mode="fast"), gateways_for(tmp_path))
    assert state.status == "blocked"
    assert "'class'" in (state.error or "")
    assert "snake_case" in (state.error or "")


@pytest.mark.parametrize(
    ("task", "gate"),
    [("resolve_imports", "G11"), ("inspect_models", "G12"), ("lint", "G-SEC")],
)
def test_a_blocking_gate_after_generation_blocks_and_delivers_nothing(task: str, gate: str, tmp_path: Path) -> None:
    sandbox = ScriptedSandbox({"execute_node": perfect, task: SandboxOutcome("crashed", message="gone")})
    state = run_all(state_for(tmp_path, PRICING, mode="fast"), gateways_for(tmp_path, sandbox=sandbox))
    assert state.status == "blocked"
    assert gate in (state.error or "")
    assert delivered(tmp_path) == []


@pytest.mark.parametrize(
    ("mode", "status"), [("fast", "needs_review"), ("balanced", "needs_review"), ("strict", "blocked")]
)
def test_a_failing_execution_gate_needs_review_and_blocks_in_mode_strict(
    mode: str, status: str, tmp_path: Path
) -> None:
    sandbox = ScriptedSandbox({"execute_node": perfect, "run_tests": {"passed": 1, "failed": 1, "errors": 0}})
    approving = Seats({name: ballot(1.0) for name in ("big", "middle", "small")})
    gateways = gateways_for(tmp_path, sandbox=sandbox, models=approving, panel=PANEL)
    state = run_all(state_for(tmp_path, PRICING, mode=mode), gateways)
    assert state.status == status
    assert "G-EXEC" in (state.error or "")
    assert bool(delivered(tmp_path)) is (status == "needs_review")


def test_without_a_sandbox_nothing_is_executed_and_the_node_needs_review_with_the_cure(tmp_path: Path) -> None:
    state = run_all(state_for(tmp_path, PRICING, mode="fast"), gateways_for(tmp_path, sandbox=NoSandbox()))
    assert state.status == "needs_review"
    assert "Cure: run on Linux" in (state.error or "")
    skipped = {g.gate for g in state.gate_results if g.status == "skipped"}
    assert skipped == {"G11", "G12", "G-SEC", "G13", "G14", "G-EXEC"}
    assert delivered(tmp_path)


@pytest.mark.parametrize("number", [number for number, _ in STAGES])
def test_a_defect_in_any_stage_becomes_a_failed_generation_with_a_record(
    number: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(state: GenerationState, gateways: Any) -> Any:
        raise ZeroDivisionError("a defect")

    monkeypatch.setitem(flow.STAGE_FUNCTIONS, number, broken)
    sandbox = ScriptedSandbox({"execute_node": perfect})
    with caplog.at_level(logging.ERROR):
        state = run_all(state_for(tmp_path, PRICING, mode="fast"), gateways_for(tmp_path, sandbox=sandbox))
    assert state.status == "failed"
    assert f"defect in stage {number}: ZeroDivisionError: a defect" in (state.error or "")
    assert statuses(state)[number] == "failed"
    assert len(state.stage_records) == len(STAGES)
    assert delivered(tmp_path) == []
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StorageError("the disk is full.", cure="free some space"), "failed"),
        (ConflictError("another request works on this node."), "blocked"),
        (UnsafePathError("passes through a symbolic link."), "failed"),
    ],
)
def test_a_failure_of_the_outside_keeps_its_message(
    error: Exception, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(state: GenerationState, gateways: Any) -> Any:
        raise error

    monkeypatch.setitem(flow.STAGE_FUNCTIONS, "5", failing)
    sandbox = ScriptedSandbox({"execute_node": perfect})
    state = run_all(state_for(tmp_path, PRICING, mode="fast"), gateways_for(tmp_path, sandbox=sandbox))
    assert (state.status, state.error) == (status, str(error))


def test_a_scaffold_is_delivered_for_review_and_says_what_is_missing(tmp_path: Path) -> None:
    sandbox = ScriptedSandbox({"execute_node": perfect})
    for mode in ("fast", "strict"):
        state = run_all(state_for(tmp_path, RABBIT_MQ, mode=mode), gateways_for(tmp_path, sandbox=sandbox))
        assert state.status == "needs_review", state.error
        assert "is not filled in" in (state.error or "")
        assert "REVIEW.md" in (state.error or "")
        review = (tmp_path / "out/node_rabbitmq_message_publisher_effect/REVIEW.md").read_text()
        assert "METHOD_NOT_IMPLEMENTED" in review
        assert "RabbitMQ" in review


def test_replacing_an_earlier_node_is_said(tmp_path: Path) -> None:
    gateways = gateways_for(tmp_path, sandbox=ScriptedSandbox({"execute_node": perfect}))
    messages = []
    for prompt in (PRICING, PRICING, f"{PRICING} within 9 ms"):
        state = run_all(state_for(tmp_path, prompt, mode="fast"), gateways)
        assert state.published is not None, state.error
        messages.append(state.stage_records[-1].message)
    assert ["replace an earlier node" in message for message in messages] == [False, False, True]


def test_the_event_bus_stage_gives_topics_and_renders_again(tmp_path: Path) -> None:
    gateways = gateways_for(tmp_path)
    before = run_until("3", state_for(tmp_path, PRICING, mode="fast"), gateways)
    after = run_until("4.5", state_for(tmp_path, PRICING, mode="fast"), gateways)
    assert before.bundle is not None
    assert after.bundle is not None
    assert after.blueprint is not None
    assert set(after.bundle.files) - set(before.bundle.files) >= {"event_bus.py", "start_node.py", "tests/test_node.py"}
    assert after.blueprint.event_bus is not None
    assert after.blueprint.event_bus.subscribe_topics == ("onex.cmd.pricing-calculator.requested.v1",)


def test_nothing_that_was_found_out_about_other_bytes_is_kept(tmp_path: Path) -> None:
    state = run_until("3", state_for(tmp_path, PRICING, mode="fast"), gateways_for(tmp_path))
    assert state.blueprint is not None
    assert state.bundle is not None
    assert state.with_bundle(state.blueprint, state.bundle).shared is not state.shared


def test_progress_is_told_after_every_stage(tmp_path: Path) -> None:
    import asyncio

    seen: list[int] = []
    gateways = gateways_for(tmp_path, sandbox=ScriptedSandbox({"execute_node": perfect}))
    state = state_for(tmp_path, PRICING, mode="fast")
    asyncio.run(flow.run_stages(state, gateways, on_stage=lambda s: seen.append(len(s.stage_records))))
    assert seen == list(range(1, len(STAGES) + 1))


def test_a_decided_generation_only_gets_records(tmp_path: Path) -> None:
    import asyncio

    models = QueuedModels()
    gateways = gateways_for(tmp_path, sandbox=judging_sandbox(lambda logic: True), models=models)
    state = dataclasses.replace(state_for(tmp_path, DOUBLING, examples=DOUBLED), status="failed", error="why")
    ended = asyncio.run(flow.run_stages(state, gateways))
    assert (ended.status, ended.error) == ("failed", "why")
    assert set(statuses(ended).values()) == {"skipped"}
    assert models.asked == []
