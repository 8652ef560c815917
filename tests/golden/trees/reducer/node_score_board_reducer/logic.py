# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Business logic of NodeScoreBoardReducer: the only file that is meant to be edited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import fsum

from .models import ModelScoreBoardInput, ModelScoreBoardOutput


def grouped_total(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Sum of the second member for each first one."""
    totals: dict[str, float] = {}
    for key, value in pairs:
        totals[key] = totals.get(key, 0) + value
    return totals


def sum_scores(items: Sequence[ModelScoreBoardInput]) -> ModelScoreBoardOutput:
    """Reduce the items to one state."""
    return ModelScoreBoardOutput(
        total=fsum(item.score for item in items),
        count=len(items),
        total_by_player=grouped_total((item.player, item.score) for item in items),
    )
