"""The door to the vector index: keeps it up to date, and puts the embedded one in its place while it is away."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from omniclaude_dagster.errors import ConfigurationError, IndexUnavailableError
from omniclaude_dagster.patterns.embedded_index import EmbeddedIndex
from omniclaude_dagster.patterns.model import PatternStore, VectorIndex
from omniclaude_dagster.patterns.pause import Pause

# Rows of the store at a time: with their vectors about 3 MB.
FEED_ROWS = 2_000
# Makes the index once the embedding model's name and the length of its vectors are known: a service says them only
# when it is asked.
type IndexMaker = Callable[[str, int], VectorIndex]


@runtime_checkable
class LastingIndex(Protocol):
    """An index that outlives the process knows itself what it has already been told."""

    def seen_revision(self) -> int:
        """Every change up to this revision has been applied. Raises IndexUnavailableError."""
        ...


class IndexDoor:
    """One for a library. Safe for threads. `index` None: the embedded one is no substitute but the choice."""

    def __init__(self, store: PatternStore, index: VectorIndex | IndexMaker | None, *, pause: Pause) -> None:
        self._store = store
        self._make = index if callable(index) else None
        self._chosen = None if callable(index) else index
        self._is_embedded_chosen = index is None
        self._pause = pause
        self._lock = threading.Lock()
        self._fed: _Fed | None = None
        self._substitute: _Fed | None = None

    @property
    def degraded(self) -> str:
        """What is away, in words; empty when nothing is."""
        reason = self._pause.reason
        return f"the vector index is away, patterns are compared in this process instead: {reason}" if reason else ""

    def use[T](self, ask: Callable[[VectorIndex], T], *, model: str, dimension: int, revision: int) -> T:
        """Ask the index as it is at this revision or later. Raises RecordsUnavailableError, never for the index."""
        if not self._is_embedded_chosen and not self._pause.reason:
            try:
                answer = ask(self._chosen_index(model, dimension, revision))
            except (IndexUnavailableError, ConfigurationError) as exc:
                self._pause.begin(exc.message)
                # It may come back without what it was told.
                self._fed = None
            else:
                self._pause.end()
                self._substitute = None
                return answer
        return ask(self._embedded_index(model, dimension, revision))

    def forget(self) -> None:
        """The store is another one than before: tell everything again."""
        with self._lock:
            self._substitute = None
            if self._fed is not None:
                self._fed.seen = 0

    def close(self) -> None:
        """Let go of connections and memory."""
        with self._lock:
            self._substitute = self._fed = None
            if self._chosen is not None:
                self._chosen.close()

    def _chosen_index(self, model: str, dimension: int, revision: int) -> VectorIndex:
        with self._lock:
            if self._chosen is None and self._make is not None:
                self._chosen = self._make(model, dimension)
            if self._chosen is None:
                raise IndexUnavailableError("there is no vector index.")
            if self._fed is None:
                self._fed = _Fed(self._chosen, seen=_known_to(self._chosen, revision))
            return self._fed.brought_to(revision, self._store)

    def _embedded_index(self, model: str, dimension: int, revision: int) -> VectorIndex:
        with self._lock:
            if self._substitute is None:
                self._substitute = _Fed(EmbeddedIndex(embedding_model=model, dimension=dimension), seen=0)
            return self._substitute.brought_to(revision, self._store)


@dataclass
class _Fed:
    """An index and how far it knows the store's changes; what it was told stays told if the rest fails."""

    index: VectorIndex
    seen: int

    def brought_to(self, revision: int, store: PatternStore) -> VectorIndex:
        while self.index.needs_vectors and self.seen < revision:
            changes = store.pattern_changes(self.seen, limit=FEED_ROWS, with_vectors=True)
            self.index.apply(changes)
            # A pattern that was deleted has a revision and no change.
            self.seen = changes[-1].revision if changes else revision
        return self.index


def _known_to(index: VectorIndex, revision: int) -> int:
    """What a lasting index knows already. One that knows more than there is was filled from another database."""
    seen = index.seen_revision() if isinstance(index, LastingIndex) else 0
    return seen if seen <= revision else 0
