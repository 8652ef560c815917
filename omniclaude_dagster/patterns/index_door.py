"""The door to the vector index: keeps it up to date, and puts the embedded one in its place while it is away."""

import threading
from collections.abc import Callable
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
        self._seen: int | None = None
        self._embedded: EmbeddedIndex | None = None
        self._embedded_seen = 0

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
                self._ask_what_it_knows()
            else:
                self._pause.end()
                self._drop_substitute()
                return answer
        return ask(self._embedded_index(model, dimension, revision))

    def forget(self) -> None:
        """The store is another one than before: tell everything again."""
        with self._lock:
            self._seen, self._embedded, self._embedded_seen = 0, None, 0

    def close(self) -> None:
        """Let go of connections and memory."""
        with self._lock:
            if self._chosen is not None:
                self._chosen.close()
            self._embedded, self._embedded_seen = None, 0

    def _chosen_index(self, model: str, dimension: int, revision: int) -> VectorIndex:
        with self._lock:
            index = self._chosen
            if index is None:
                if self._make is None:
                    raise IndexUnavailableError("there is no vector index.")
                index = self._chosen = self._make(model, dimension)
            if self._seen is None:
                seen = index.seen_revision() if isinstance(index, LastingIndex) else 0
                # One that knows more than there is was filled from another database.
                self._seen = seen if seen <= revision else 0
            if index.needs_vectors:
                self._seen = feed(self._store, index, after=self._seen, revision=revision)
            return index

    def _embedded_index(self, model: str, dimension: int, revision: int) -> EmbeddedIndex:
        with self._lock:
            if self._embedded is None:
                self._embedded, self._embedded_seen = EmbeddedIndex(embedding_model=model, dimension=dimension), 0
            self._embedded_seen = feed(self._store, self._embedded, after=self._embedded_seen, revision=revision)
            return self._embedded

    def _ask_what_it_knows(self) -> None:
        """It may come back without what it was told."""
        with self._lock:
            self._seen = None

    def _drop_substitute(self) -> None:
        with self._lock:
            self._embedded, self._embedded_seen = None, 0


def feed(store: PatternStore, index: VectorIndex, *, after: int, revision: int) -> int:
    """Tell an index every change up to a revision; gives how far it knows them now."""
    while after < revision:
        changes = store.pattern_changes(after, limit=FEED_ROWS, with_vectors=True)
        if not changes:
            # A pattern that was deleted has a revision and no change.
            return revision
        index.apply(changes)
        after = changes[-1].revision
    return after
