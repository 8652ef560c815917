"""Ranks what catalogue and index have found, exactly and in the same way whichever index it was. No I/O."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from omniclaude_dagster.patterns.calibration import above
from omniclaude_dagster.patterns.catalogue import Candidates
from omniclaude_dagster.patterns.diversity import chosen_places
from omniclaude_dagster.patterns.model import PatternQuery, Vectors
from omniclaude_dagster.patterns.ranking import Scored, scored
from omniclaude_dagster.patterns.similarity import similarities

# So many of the best are compared with one another; more would be offered to nobody.
_POOL = 50


@dataclass(frozen=True)
class Ranked:
    """The relevant candidates, best first, at most as many as are compared with one another."""

    ids: tuple[uuid.UUID, ...]
    scores: NDArray[np.float64]
    revisions: tuple[int, ...]
    vectors: Vectors
    baseline: float
    _places: tuple[int, ...]
    _scored: Scored

    def diverse(self, *, limit: int, always: Sequence[int] = ()) -> list[int]:
        """Places of those to offer, best first."""
        places = chosen_places(self.scores, self.vectors, baseline=self.baseline, limit=limit, always=always)
        return sorted(places)

    def parts(self, place: int) -> dict[str, float]:
        """The shares of one score."""
        return self._scored.parts_of(self._places[place])


def ranked(
    candidates: Candidates,
    query: PatternQuery,
    *,
    query_vector: Vectors | None,
    vectors: Mapping[uuid.UUID, Vectors],
    baseline: float,
) -> Ranked:
    """The relevant ones of the candidates. `query_vector` None: nothing is known of meaning.

    `baseline`: what the embedding model makes of unrelated texts.
    """
    matrix, has_vector = _matrix(candidates.ids, vectors)
    if query_vector is None:
        meaning, has_meaning = np.zeros(len(matrix)), np.zeros(len(matrix), dtype=np.bool_)
    else:
        meaning, has_meaning = above(baseline, similarities(matrix, query_vector)), has_vector
    found = scored(candidates, meaning=meaning, has_meaning=has_meaning, now=query.now)
    scores = found.scores.tolist()
    relevant = np.flatnonzero(found.is_relevant).tolist()
    best = sorted(relevant, key=lambda place: (-scores[place], candidates.ids[place].int))
    best = best[: max(_POOL, 2 * query.limit)]
    return Ranked(
        ids=tuple(candidates.ids[place] for place in best),
        scores=found.scores[best],
        revisions=tuple(candidates.revisions[best].tolist()),
        vectors=matrix[best],
        baseline=baseline,
        _places=tuple(best),
        _scored=found,
    )


def _matrix(ids: Sequence[uuid.UUID], vectors: Mapping[uuid.UUID, Vectors]) -> tuple[Vectors, NDArray[np.bool_]]:
    """A row for each id, zeros where there is no vector that can be compared; and where there is one."""
    dimension = next((len(vector) for vector in vectors.values()), 1)
    # Nearly always all of them, in this order: then none needs to be looked up.
    found = vectors.values() if list(vectors) == list(ids) else [vectors.get(one) for one in ids]
    fitting = [(row, one) for row, one in enumerate(found) if one is not None and one.shape == (dimension,)]
    matrix = np.zeros((len(ids), dimension), dtype=np.float32)
    if fitting:
        matrix[[row for row, _ in fitting]] = np.stack([vector for _, vector in fitting])
    is_usable = np.isfinite(matrix).all(axis=1) & matrix.any(axis=1)
    matrix[~is_usable] = 0.0
    return matrix, is_usable
