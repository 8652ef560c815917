"""What this process knows of every active pattern: its words and the figures that rank it.

Fed by `PatternChange`, in order of revision. Derived data: the store holds the truth. Not here: vectors
(`embedded_index.py`, other indexes), how the figures make a score (`ranking.py`).
"""

import threading
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from omniclaude_dagster.patterns.columns import Column
from omniclaude_dagster.patterns.keywords import KeywordIndex
from omniclaude_dagster.patterns.model import PatternChange
from omniclaude_dagster.patterns.rows import RowNumbers, Rows
from omniclaude_dagster.patterns.similarity import Figures
from omniclaude_dagster.patterns.words import terms_of
from omniclaude_dagster.request.model import NodeKind


@dataclass(frozen=True)
class Candidates:
    """Patterns that may be offered, with one number each; `fresh_s` in seconds since 1970.

    `nearness`: the similarity that the index said, NaN where it said none. `revisions`: of the pattern's last change
    that is known here. `fitting_count`: how many patterns of the kind and systems there are in all.
    """

    ids: tuple[uuid.UUID, ...]
    nearness: Figures
    keywords: Figures
    quality: Figures
    success: Figures
    fresh_s: Figures
    revisions: NDArray[np.int64]
    fitting_count: int

    def only(self, places: Sequence[int]) -> "Candidates":
        """Some of them."""
        columns = ("nearness", "keywords", "quality", "success", "fresh_s", "revisions")
        ids = tuple(self.ids[place] for place in places)
        return replace(self, ids=ids, **{name: getattr(self, name)[places] for name in columns})


_EMPTY = np.zeros(0, dtype=np.float64)
NO_CANDIDATES = Candidates((), _EMPTY, _EMPTY, _EMPTY, _EMPTY, _EMPTY, np.zeros(0, dtype=np.int64), 0)


class Catalogue:
    """Columns of all active patterns, one set for each node kind. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kinds: defaultdict[NodeKind, _Kind] = defaultdict(_Kind)
        self._models: list[str] = []
        self._revision = 0

    @property
    def revision(self) -> int:
        """Of the newest change it knows."""
        return self._revision

    @property
    def active_count(self) -> int:
        """Number of active patterns."""
        with self._lock:
            return sum(int(kind.rows.active.sum()) for kind in self._kinds.values())

    def apply(self, changes: Sequence[PatternChange]) -> None:
        """Take over changes; what it knows already changes nothing."""
        with self._lock:
            for change in changes:
                if change.revision > self._revision:
                    number = self._model_number(change.embedding_model)
                    self._kinds[change.node_kind].take(change, model_number=number)
                    self._revision = change.revision

    def forget(self, pattern_ids: Sequence[uuid.UUID]) -> None:
        """These are gone from the store without a word."""
        with self._lock:
            for kind in self._kinds.values():
                for row in kind.rows.rows_of(pattern_ids):
                    if row is not None:
                        kind.rows.set_active(row, False)

    def waiting_count(self, embedding_model: str) -> int:
        """Number of active patterns that have no vector of this model."""
        with self._lock:
            number = self._model_number(embedding_model)
            return sum(
                int((kind.rows.active & (kind.model_number.view != number)).sum()) for kind in self._kinds.values()
            )

    def candidates(
        self,
        terms: Sequence[str],
        *,
        node_kind: NodeKind,
        systems: Sequence[str],
        near: Sequence[tuple[uuid.UUID, float]],
        limit: int,
    ) -> Candidates:
        """The patterns that are `near` by meaning, and the `limit` best by their words; all active and fitting.

        `near`: ids with their similarities.
        """
        with self._lock:
            kind = self._kinds.get(node_kind)
            return kind.candidates(terms, systems=systems, near=near, limit=limit) if kind else NO_CANDIDATES

    def _model_number(self, embedding_model: str) -> int:
        if embedding_model not in self._models:
            self._models.append(embedding_model)
        return self._models.index(embedding_model)


class _Kind:
    """The patterns of one node kind. Not locked: its catalogue is."""

    def __init__(self) -> None:
        self.rows = Rows()
        self.model_number = Column(np.int32)
        # Whether the words of a row are counted: as long as it is active, and beyond that while it is only forgotten.
        self._counted = Column(np.bool_)
        self._keywords = KeywordIndex()
        self._quality = Column(np.float64)
        self._success = Column(np.float64)
        self._fresh_s = Column(np.float64)
        self._revision = Column(np.int64)

    def take(self, change: PatternChange, *, model_number: int) -> None:
        row = self.rows.row_of(change.pattern_id)
        is_active = change.status == "active"
        fresh_s = change.fresh_at.timestamp()
        values = (model_number, change.quality_score, change.success_rate, fresh_s, change.revision)
        if row is None:
            if is_active:
                self._append(change, values)
            return
        for column, value in zip(self._columns, values, strict=True):
            column[row] = value
        if is_active and not self._counted[row]:
            self._keywords.take_in(row, terms_of(change.text))
        elif not is_active and self._counted[row]:
            self._keywords.take_out(row, terms_of(change.text))
        self._counted[row] = is_active
        self.rows.set_active(row, is_active)

    def candidates(
        self, terms: Sequence[str], *, systems: Sequence[str], near: Sequence[tuple[uuid.UUID, float]], limit: int
    ) -> Candidates:
        fitting = self.rows.fitting(systems)
        keywords = self._keywords.scores(terms)
        near_rows, said = self._near_rows(near, fitting)
        rows = np.union1d(near_rows, self._best_rows(keywords, fitting, limit=limit))
        nearness = np.full(len(rows), np.nan)
        nearness[np.searchsorted(rows, near_rows)] = said
        return Candidates(
            ids=tuple(self.rows.ids(rows)),
            nearness=nearness,
            keywords=keywords[rows],
            quality=self._quality.view[rows],
            success=self._success.view[rows],
            fresh_s=self._fresh_s.view[rows],
            revisions=self._revision.view[rows],
            fitting_count=int(fitting.sum()),
        )

    @property
    def _columns(self) -> tuple[Column, ...]:
        return self.model_number, self._quality, self._success, self._fresh_s, self._revision

    def _append(self, change: PatternChange, values: tuple[float, ...]) -> None:
        self.rows.append(change.pattern_id, change.systems)
        self._keywords.append(terms_of(change.text))
        self._counted.append(True)
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)

    def _near_rows(
        self, near: Sequence[tuple[uuid.UUID, float]], fitting: NDArray[np.bool_]
    ) -> tuple[RowNumbers, Figures]:
        """The rows of those that fit, and their similarities."""
        found = self.rows.rows_of(pattern_id for pattern_id, _ in near)
        known = [(row, said) for row, (_, said) in zip(found, near, strict=True) if row is not None]
        rows = np.array([row for row, _ in known], dtype=np.intp)
        return rows[fitting[rows]], np.array([said for _, said in known], dtype=np.float64)[fitting[rows]]

    def _best_rows(self, keywords: Figures, fitting: NDArray[np.bool_], *, limit: int) -> RowNumbers:
        rows = np.flatnonzero(fitting & (keywords > 0))
        return rows[self.rows.best(rows, keywords[rows], limit=limit)]
