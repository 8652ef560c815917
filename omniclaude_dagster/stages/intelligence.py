"""Stage 1.5: what was generated before and resembles this request. The pattern library comes with a later step."""

import asyncio
import re
from dataclasses import replace

from omniclaude_dagster.errors import RecordsUnavailableError
from omniclaude_dagster.stages.model import EarlierGeneration
from omniclaude_dagster.stages.state import Gateways, GenerationState, StageOutcome

_LOOKED_AT = 200
_KEPT = 5
_MIN_SIMILARITY = 0.3
_COMMON_WORDS = frozenset(
    "a an the node that which for of to and or in on with create generate build make please".split()
)


async def gather_intelligence(state: GenerationState, gateways: Gateways) -> StageOutcome:
    """Fill `state.earlier`, best first. Records that are away leave it empty, and the record says so."""
    if state.parsed is None or state.parsed.node_kind is None:
        return StageOutcome(state, "kind unknown: nothing to compare with", status="skipped")
    try:
        known = await asyncio.to_thread(gateways.history.published, node_kind=state.parsed.node_kind, limit=_LOOKED_AT)
    except RecordsUnavailableError as exc:
        return StageOutcome(state, f"degraded: records are away ({exc.message})")
    ranked = sorted(
        ((similarity(state.parsed.description, e.description), e) for e in known), key=lambda pair: -pair[0]
    )
    kept = tuple(e for score, e in ranked if score >= _MIN_SIMILARITY)[:_KEPT]
    return StageOutcome(replace(state, earlier=kept), f"{len(kept)} similar of {len(known)} earlier generations")


def similarity(one: str, other: str) -> float:
    """Jaccard similarity of the words of two texts, without the ones every request has; 0 to 1."""
    a, b = _words(one), _words(other)
    return len(a & b) / len(a | b) if a | b else 0.0


def same_task(one: EarlierGeneration, *, inputs: dict[str, str], outputs: dict[str, str]) -> bool:
    """Whether an earlier generation has the same fields with the same types on both sides."""
    return one.logic.get("inputs") == inputs and one.logic.get("outputs") == outputs


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", text.lower())) - _COMMON_WORDS
