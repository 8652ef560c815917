"""The order of the stages, and what runs one: it times it, records it, and turns failures into an outcome.

The same functions serve the command line, the Dagster ops and the tests.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from omniclaude_dagster.errors import OmniClaudeError, RequestError
from omniclaude_dagster.stages import event_bus, generate, intelligence, parse, publish, refine, validate
from omniclaude_dagster.stages.learning import recorded_reuses_of, reuses_of
from omniclaude_dagster.stages.model import (
    NANOUSD_PER_USD,
    STAGES,
    GenerationRecord,
    GenerationResult,
    StageRecord,
)
from omniclaude_dagster.stages.refine import quorum_as_json, waiting_for_person
from omniclaude_dagster.stages.state import Gateways, GenerationState, StageOutcome, decided

logger = logging.getLogger(__name__)

Stage = Callable[[GenerationState, Gateways], Awaitable[StageOutcome]]

STAGE_FUNCTIONS: dict[str, Stage] = {
    "1": parse.parse_prompt,
    "1.5": intelligence.gather_intelligence,
    "2": validate.validate_request,
    "3": generate.generate_code,
    "4.5": event_bus.integrate_event_bus,
    "4": validate.validate_bundle,
    "5.5": refine.refine_by_quorum,
    "6": validate.test_compilation,
    "5": publish.write_files,
}


async def run_stage(number: str, state: GenerationState, gateways: Gateways) -> GenerationState:
    """Run one stage of one generation; a decided generation only gets a record that the stage was skipped."""
    name = dict(STAGES)[number]
    if state.is_decided:
        skipped = StageRecord(state.correlation_id, number, name, "skipped", f"generation {state.status}")
        return replace(state, stage_records=(*state.stage_records, skipped))
    started_at, started = datetime.now(UTC), time.perf_counter()
    outcome = await _outcome(number, state, gateways)
    record = StageRecord(
        correlation_id=state.correlation_id,
        stage=number,
        name=name,
        status=outcome.status,
        message=outcome.message,
        model=outcome.calls[-1].model if outcome.calls else None,
        tokens_input=sum(c.tokens_input for c in outcome.calls),
        tokens_output=sum(c.tokens_output for c in outcome.calls),
        latency_ms=(time.perf_counter() - started) * 1000,
        cost_nanousd=sum(c.cost_nanousd for c in outcome.calls),
        quality_score=outcome.quality_score,
        attempts=outcome.attempts,
        started_at=started_at,
    )
    return replace(
        outcome.state,
        stage_records=(*state.stage_records, record),
        model_calls=(*state.model_calls, *outcome.calls),
    )


async def _outcome(number: str, state: GenerationState, gateways: Gateways) -> StageOutcome:
    try:
        return await STAGE_FUNCTIONS[number](state, gateways)
    except RequestError as exc:
        return StageOutcome(decided(state, "blocked", str(exc)), str(exc), status="failed")
    except OmniClaudeError as exc:
        return StageOutcome(decided(state, "failed", str(exc)), str(exc), status="failed")
    except Exception as exc:
        logger.exception("stage %s of %s has a defect", number, state.request_id)
        message = f"defect in stage {number}: {type(exc).__name__}: {exc}"
        return StageOutcome(decided(state, "failed", message), message, status="failed")


async def run_stages(
    state: GenerationState, gateways: Gateways, *, on_stage: Callable[[GenerationState], None] | None = None
) -> GenerationState:
    """Run all stages in order; `on_stage` is called after each one, for progress."""
    for number, _ in STAGES:
        state = await run_stage(number, state, gateways)
        if on_stage is not None:
            on_stage(state)
    return state


def result_of(state: GenerationState) -> GenerationResult:
    """The generation as `generate --json` prints it."""
    blueprint, parsed, published = state.blueprint, state.parsed, state.published
    kind = parsed.node_kind.value if parsed and parsed.node_kind else None
    return GenerationResult(
        request_id=state.request_id,
        correlation_id=str(state.correlation_id),
        mode=state.request.mode.value,
        status=state.status or "failed",
        node={
            "kind": kind,
            "name": parsed.name if parsed else None,
            "class_name": blueprint.class_name if blueprint else (parsed.class_name if parsed else None),
            "domain": parsed.domain if parsed else None,
            "path": str(published.path) if published else None,
        },
        quality_score=state.quality.score if state.quality else 0.0,
        quality=dict(state.quality.parts) if state.quality else {},
        cost_usd=state.spent_nanousd / NANOUSD_PER_USD,
        duration_ms=round((datetime.now(UTC) - state.started_at).total_seconds() * 1000, 3),
        stages=[record.as_json() for record in state.stage_records],
        gates=[gate.as_json() for gate in state.gate_results],
        files=[file.as_json() for file in published.files] if published else [],
        error=state.error,
        quorum=quorum_as_json(state),
        patterns=_patterns_as_json(state),
    )


def _patterns_as_json(state: GenerationState) -> list[dict[str, Any]]:
    names = {offer.pattern.pattern_id: offer.pattern.name for offer in state.found}
    return [
        {
            "pattern_id": str(reuse.pattern_id),
            "name": names[reuse.pattern_id],
            "role": reuse.role,
            "rank": reuse.rank,
            "score": round(reuse.score, 4),
            "reasons": list(reuse.reasons),
        }
        for reuse in reuses_of(state)
    ]


def record_of(state: GenerationState, result: GenerationResult) -> GenerationRecord:
    """The generation as the records keep it."""
    project = state.request.project
    return GenerationRecord(
        result=result,
        content_hash=state.accepted.content_hash,
        prompt=state.request.prompt,
        started_at=state.started_at,
        finished_at=datetime.now(UTC),
        stage_records=state.stage_records,
        gate_results=state.gate_results,
        model_calls=state.model_calls,
        cost_nanousd=state.spent_nanousd,
        session_id=state.request.session_id,
        project_name=project.name if project else None,
        project_path=project.path if project else None,
        source=state.accepted.source,
        run_id=state.run_id,
        output_dir=str(state.output_dir),
        is_preview=state.is_preview,
        quorum=state.quorum,
        waiting=waiting_for_person(state),
        # A dry run delivers nothing, which is no pattern's failure.
        reuses=() if state.is_preview else recorded_reuses_of(state),
    )
