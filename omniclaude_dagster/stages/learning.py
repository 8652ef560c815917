"""What the pattern library learns from a generation, and what came of the patterns that were found for it."""

import logging
from dataclasses import replace
from typing import Any

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.patterns.making import make_pattern
from omniclaude_dagster.patterns.model import MIN_QUALITY, Pattern, PatternReuse
from omniclaude_dagster.quorum.edits import one_line
from omniclaude_dagster.stages.intelligence import field_types
from omniclaude_dagster.stages.state import GenerationState

logger = logging.getLogger(__name__)

LOGIC_FILE = "logic.py"
EXECUTED_GATE = "G-EXEC"
_MAX_DETAIL_CHARS = 500


def pattern_of(state: GenerationState, *, core_version: str) -> Pattern | None:
    """The pattern of a published generation of high quality whose code was executed; None for every other one.

    A benchmark's generations are nobody's earlier work, and one that a person has edited is not ours to repeat.
    """
    blueprint, bundle = state.blueprint, state.bundle
    if blueprint is None or bundle is None or not is_worth_keeping(state):
        return None
    try:
        return make_pattern(
            name=blueprint.name,
            description=blueprint.description,
            node_kind=blueprint.kind,
            domain=blueprint.domain,
            systems=blueprint.external_systems,
            function=blueprint.logic.function,
            code=blueprint.logic.source or _text(bundle, LOGIC_FILE),
            **_fields(blueprint),
            contract=_text(bundle, "contract.yaml"),
            models={p: _text(bundle, p) for p in sorted(bundle.files) if p.startswith("models/model_")},
            # Without what only means something on this machine: a pattern may be exported.
            request=state.request.model_dump(mode="json", exclude={"output_dir", "project", "session_id"}),
            examples=[e.model_dump(mode="json", exclude_none=True) for e in blueprint.examples],
            origin=blueprint.logic.origin,
            quality_score=state.quality.score if state.quality else 0.0,
            models_used=tuple(dict.fromkeys(call.model for call in state.model_calls if call.is_success)),
            core_version=core_version,
            source="generation",
            request_id=state.request_id,
            correlation_id=state.correlation_id,
            created_at=state.started_at,
        )
    except RequestError as exc:
        # A node can be good and still be no pattern: too large, for example.
        logger.info("%s makes no pattern: %s", state.request_id, exc.message)
        return None


def is_worth_keeping(state: GenerationState) -> bool:
    """Published, of quality MIN_QUALITY or more, executed, ours."""
    statuses = {result.gate: result.status for result in state.gate_results}
    return (
        state.status == "published"
        and state.quality is not None
        and state.quality.score >= MIN_QUALITY
        and statuses.get(EXECUTED_GATE) == "pass"
        and state.accepted.source != "benchmark"
        and state.update is None
    )


def reuses_of(state: GenerationState) -> tuple[PatternReuse, ...]:
    """One row a pattern that stage 1.5 found, in the order of their rank."""
    reuses = []
    for rank, offer in enumerate(state.found, 1):
        role, detail = state.used.get(offer.pattern.pattern_id, ("offered", ""))
        role = "held_out" if state.is_held_out else role
        reuses.append(PatternReuse(offer.pattern.pattern_id, role, rank, offer.score, offer.reasons, detail))
    return tuple(reuses)


def recorded_reuses_of(state: GenerationState) -> tuple[PatternReuse, ...]:
    """The same, as the library learns from it: a reused body counts only in a generation that says something of it.

    Executed gates do. Votes do not, least of all missing ones, nor does an outside part that failed: such a reuse is
    kept as an offer, with the reason.
    """
    reason = _other_reason(state)
    return tuple(
        replace(reuse, role="offered", detail=f"its body was taken over, and not judged: {reason}")
        if reason and reuse.role == "reused"
        else reuse
        for reuse in reuses_of(state)
    )


def _other_reason(state: GenerationState) -> str:
    """Why a generation was not published where nothing that was executed speaks against its code; else empty."""
    if state.status == "published" or any(result.status == "fail" for result in state.gate_results):
        return ""
    return one_line(state.error or f"the generation is {state.status}")[:_MAX_DETAIL_CHARS]


def _fields(blueprint: NodeBlueprint) -> dict[str, Any]:
    inputs, outputs = field_types(blueprint)
    classes = {"input_class": blueprint.input_model.class_name, "output_class": blueprint.output_model.class_name}
    return {"inputs": inputs, "outputs": outputs, **classes}


def _text(bundle: NodeBundle, path: str) -> str:
    return bundle.files.get(path, b"").decode("utf-8")
