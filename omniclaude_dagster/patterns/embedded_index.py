"""The vector index in this process: every vector in memory, every search exact."""

import threading
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from omniclaude_dagster.patterns.columns import Column
from omniclaude_dagster.patterns.model import PatternChange, Vectors
from omniclaude_dagster.patterns.rows import RowNumbers, Rows
from omniclaude_dagster.patterns.similarity import is_usable, similarities
from omniclaude_dagster.request.model import NodeKind

# The first comparison is exact to about 1e-6; what is within that of the last place is compared again.
_FIRST_ERROR = 1e-5
_DECIMALS = 6


class EmbeddedIndex:
    """Implements VectorIndex. A matrix for each node kind, since no search crosses kinds.

    Safe for threads: views are taken under the lock, all vectors are compared outside of it.
    """

    def __init__(self, *, embedding_model: str, dimension: int) -> None:
        self._embedding_model = embedding_model
        self._dimension = dimension
        self._lock = threading.Lock()
        self._kinds: defaultdict[NodeKind, _Kind] = defaultdict(lambda: _Kind(dimension))

    @property
    def name(self) -> str:
        """How the records and people call it."""
        return "embedded"

    @property
    def needs_vectors(self) -> bool:
        """It holds nothing but vectors."""
        return True

    def apply(self, changes: Sequence[PatternChange]) -> None:
        """Take over changes; vectors of another model or length, and broken ones, stay outside."""
        with self._lock:
            for change in changes:
                self._kinds[change.node_kind].take(change, vector=self._comparable(change))

    def nearest(
        self, vector: Vectors, *, node_kind: NodeKind, systems: tuple[str, ...], limit: int
    ) -> list[tuple[uuid.UUID, float]]:
        """Ids and cosines, best first, equal ones by id."""
        with self._lock:
            kind = self._kinds.get(node_kind)
            if kind is None or limit < 1 or not is_usable(vector, dimension=self._dimension):
                return []
            matrix, fitting = kind.matrix.view, kind.rows.fitting(systems)
        # Not a matrix product: for that BLAS starts threads, which wait for one another when the cores are busy.
        candidates = _candidates(np.vecdot(matrix, vector), np.flatnonzero(fitting), limit=limit)
        exact = np.round(similarities(matrix[candidates], vector), _DECIMALS)
        best = kind.rows.best(candidates, exact, limit=limit)
        return list(zip(kind.rows.ids(candidates[best]), exact[best].tolist(), strict=True))

    def vectors(self, pattern_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Vectors]:
        """Copies of those that are here."""
        found: dict[uuid.UUID, Vectors] = {}
        wanted = list(pattern_ids)
        with self._lock:
            for kind in self._kinds.values():
                rows = kind.rows.rows_of(wanted)
                known = [one for one, row in zip(wanted, rows, strict=True) if row is not None]
                found.update(zip(known, kind.matrix.view[[row for row in rows if row is not None]], strict=True))
                wanted = [one for one, row in zip(wanted, rows, strict=True) if row is None]
        return found

    def close(self) -> None:
        """Nothing to let go of."""

    def _comparable(self, change: PatternChange) -> Vectors | None:
        if change.status != "active" or change.embedding_model != self._embedding_model or change.vector is None:
            return None
        return change.vector if is_usable(change.vector, dimension=self._dimension) else None


class _Kind:
    """The vectors of one node kind, one a row."""

    def __init__(self, dimension: int) -> None:
        self.rows = Rows()
        self.matrix = Column(np.float32, width=dimension)

    def take(self, change: PatternChange, *, vector: Vectors | None) -> None:
        row = self.rows.row_of(change.pattern_id)
        if vector is None:
            if row is not None:
                self.rows.set_active(row, False)
        elif row is None:
            self.rows.append(change.pattern_id, change.systems)
            self.matrix.append(vector)
        else:
            self.rows.set_active(row, True)
            self.matrix[row] = vector


def _candidates(products: Vectors, rows: RowNumbers, *, limit: int) -> RowNumbers:
    """The rows that may be among the nearest, with some more at the border."""
    if len(rows) <= limit:
        return rows
    of_rows = products[rows]
    bound = np.partition(of_rows, len(rows) - limit)[len(rows) - limit]
    return rows[np.flatnonzero(of_rows >= bound - _FIRST_ERROR)]
