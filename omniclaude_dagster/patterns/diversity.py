"""Chooses a few of many good candidates so that they differ: maximal marginal relevance.

Carbonell and Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents and Producing Summaries",
SIGIR 1998: the next one is the one with the highest  lambda * score - (1 - lambda) * similarity to what is chosen.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from omniclaude_dagster.patterns.calibration import above
from omniclaude_dagster.patterns.model import Vectors
from omniclaude_dagster.patterns.ranking import DECIMALS
from omniclaude_dagster.patterns.similarity import Figures, similarities

LAMBDA = 0.7
# Two patterns whose texts are this similar are one example told twice.
NEAR_DUPLICATE = 0.92


def chosen_places(
    scores: Figures, vectors: Vectors, *, limit: int, baseline: float = 0.0, always: Sequence[int] = ()
) -> list[int]:
    """Places of at most `limit` candidates, in the order in which they were chosen.

    `scores` come best first, `vectors` hold a unit row for each (zeros where there is none: those differ from all);
    `baseline`: what the embedding model makes of unrelated texts.
    The places in `always` are taken whatever they resemble. Near-duplicates of a chosen one come last: they fill
    places that nothing else wants.
    """
    nearest = np.zeros(len(scores))
    is_waiting = np.ones(len(scores), dtype=np.bool_)
    chosen: list[int] = []
    while is_waiting.any() and len(chosen) < limit:
        best = always[len(chosen)] if len(chosen) < len(always) else _best(scores, nearest, is_waiting)
        chosen.append(best)
        is_waiting[best] = False
        nearest = np.maximum(nearest, np.round(above(baseline, similarities(vectors, vectors[best])), DECIMALS))
    return chosen


def _best(scores: Figures, nearest: Figures, is_waiting: NDArray[np.bool_]) -> int:
    """The first of the best: a place further in front has the higher score, or the lower id."""
    is_distinct = is_waiting & (nearest < NEAR_DUPLICATE)
    values = LAMBDA * scores - (1 - LAMBDA) * nearest
    return int(np.argmax(np.where(is_distinct if is_distinct.any() else is_waiting, values, -np.inf)))
