"""The patterns of one node kind in rows: which are active, which systems they use, and the best of them by a score."""

import uuid
from array import array
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from omniclaude_dagster.patterns.columns import Column

type Mask = NDArray[np.bool_]
type RowNumbers = NDArray[np.intp]

_HALF_BITS = 64
_LOW_HALF = (1 << _HALF_BITS) - 1


class Rows:
    """A row never moves and is never given to another pattern. Not locked: its owner is."""

    def __init__(self) -> None:
        # By the id's number: hashing and comparing UUIDs themselves is slow.
        self._row_of: dict[int, int] = {}
        self._ids: list[uuid.UUID] = []
        # The ids again, as numbers that can be sorted quickly.
        self._high = Column(np.uint64)
        self._low = Column(np.uint64)
        self._active = Column(np.bool_)
        self._rows_by_system: dict[str, array[int]] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def row_of(self, pattern_id: uuid.UUID) -> int | None:
        """The pattern's row, active or not."""
        return self._row_of.get(pattern_id.int)

    def rows_of(self, pattern_ids: Iterable[uuid.UUID]) -> list[int | None]:
        """The row of each, active or not; None for those that are not here."""
        row_of = self._row_of.get
        return [row_of(pattern_id.int) for pattern_id in pattern_ids]

    def append(self, pattern_id: uuid.UUID, systems: Sequence[str]) -> int:
        """One more row, active; gives its number."""
        row = len(self._ids)
        self._row_of[pattern_id.int] = row
        self._ids.append(pattern_id)
        self._high.append(pattern_id.int >> _HALF_BITS)
        self._low.append(pattern_id.int & _LOW_HALF)
        self._active.append(True)
        for system in dict.fromkeys(systems):
            self._rows_by_system.setdefault(system, array("I")).append(row)
        return row

    def is_active(self, row: int) -> bool:
        """Whether the row may be found."""
        return bool(self._active[row])

    def set_active(self, row: int, is_active: bool) -> None:
        """Let a row be found, or not."""
        self._active[row] = is_active

    @property
    def active(self) -> Mask:
        """Which rows may be found; not copied."""
        return self._active.view

    def fitting(self, systems: Sequence[str]) -> Mask:
        """Which active rows use all of these systems; a copy."""
        mask = self._active.view.copy()
        for system in systems:
            of_system = np.zeros(len(mask), dtype=np.bool_)
            of_system[np.frombuffer(self._rows_by_system.get(system, array("I")), dtype=np.uint32)] = True
            mask &= of_system
        return mask

    def ids(self, rows: RowNumbers) -> list[uuid.UUID]:
        """The patterns in these rows."""
        return [self._ids[row] for row in rows.tolist()]

    def best(self, rows: RowNumbers, scores: NDArray[np.floating], *, limit: int) -> RowNumbers:
        """Places in `rows` of the highest scores, best first; equal ones in order of their ids.

        `scores` belong to `rows`, one each. numpy's own partition would choose among equal scores by chance.
        """
        places = np.arange(len(rows))
        if len(rows) > limit:
            bound = np.partition(scores, len(scores) - limit)[len(scores) - limit]
            places = np.flatnonzero(scores >= bound)
        chosen = rows[places]
        order = np.lexsort((self._low.view[chosen], self._high.view[chosen], -scores[places]))
        return places[order][:limit]
