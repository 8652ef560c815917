"""How near two meanings are: the one place where the similarity that ranks patterns is computed."""

import numpy as np
from numpy.typing import NDArray

from omniclaude_dagster.patterns.model import Vectors

type Figures = NDArray[np.float64]

# Rows widened to 8 bytes at a time, so that a search with very many equals does not take their memory twice.
_ROWS_AT_ONCE = 4_096


def similarities(vectors: Vectors, query: Vectors) -> Figures:
    """Cosines of unit rows with a unit row.

    Summed row by row: a matrix product gives other last digits to the same row in another batch or another place, and
    then one pattern would rank differently from backend to backend.
    """
    wide = query.astype(np.float64)
    found = np.empty(len(vectors), dtype=np.float64)
    for first in range(0, len(vectors), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        found[rows] = (vectors[rows] * wide).sum(axis=1)
    return found


def is_usable(vector: Vectors, *, dimension: int) -> bool:
    """Whether a vector can be compared: one row of that many finite numbers, not all zero."""
    return vector.shape == (dimension,) and bool(np.isfinite(vector).all()) and bool(vector.any())
