"""Stage 5: decide whether the node is published or needs review, and deliver it atomically."""

import asyncio
from dataclasses import replace

from omniclaude_dagster.errors import StorageError
from omniclaude_dagster.gates.report import GateReport
from omniclaude_dagster.stages.model import GenerationStatus
from omniclaude_dagster.stages.state import Gateways, GenerationState, StageOutcome


async def write_files(state: GenerationState, gateways: Gateways) -> StageOutcome:
    """Publish the bundle. Raises StorageError, ConflictError, UnsafePathError; nothing is left behind then."""
    if state.bundle is None:
        raise StorageError("there is nothing to write")
    report = GateReport(state.gate_results, state.bundle.sha256)
    store = gateways.store_for(state.output_dir)
    published = await asyncio.to_thread(
        store.publish, state.bundle, report, request_id=state.request_id, update=state.update
    )
    status, reason = delivery_status(state)
    delivered = replace(state, published=published, status=status, error=reason)
    quality = state.quality.score if state.quality else None
    message = f"{len(published.files)} files delivered, {status}"
    if published.is_replacement:
        message += "; they replace an earlier node of that name"
    return StageOutcome(delivered, message, quality_score=quality)


def delivery_status(state: GenerationState) -> tuple[GenerationStatus, str | None]:
    """`published` only when every gate passed and nothing is left open; else `needs_review` with the reason."""
    reasons = []
    if state.blueprint is not None and state.blueprint.is_scaffold:
        operation = state.blueprint.unfilled_operation
        reasons.append(f"operation '{operation}' is not filled in ({state.blueprint.logic.detail}); see REVIEW.md")
    else:
        if state.blueprint is not None and state.blueprint.logic.open_point:
            reasons.append(state.blueprint.logic.open_point)
        reasons += [f"{r.gate}: {r.message}" for r in state.gate_results if r.status == "fail"]
    if state.update is not None and state.update.conflicts:
        shown = ", ".join(map(str, state.update.conflicts))
        reasons.append(f"edits and what was generated conflict in {shown}; the edits were kept")
    if state.quorum is not None and state.quorum.tally.decision == "suggest":
        edit = "; an edit is suggested" if state.quorum.suggested else ""
        reasons.append(f"{state.quorum.tally.reason}{edit}; omniclaude review show {state.request_id}")
    skipped = [r for r in state.gate_results if r.status == "skipped"]
    if skipped:
        reasons.append(f"{', '.join(r.gate for r in skipped)} skipped: {skipped[0].message}")
    return ("needs_review", "; ".join(reasons)) if reasons else ("published", None)
