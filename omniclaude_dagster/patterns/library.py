"""The pattern library: what stage 1.5 and the HTTP service ask, over a store, an embedder and a vector index.

A search takes the patterns nearest by meaning and the best by words, and ranks both together; a part that is away is
left out and named. Not here: what makes a pattern (`making.py`), when one is stored (stages), pruning (`pruning.py`).
"""

import itertools
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from omniclaude_dagster.errors import ConflictError, EmbeddingUnavailableError, RecordsUnavailableError
from omniclaude_dagster.patterns.calibration import baseline_of
from omniclaude_dagster.patterns.catalogue import Candidates, Catalogue
from omniclaude_dagster.patterns.content_cache import ContentCache
from omniclaude_dagster.patterns.index_door import FEED_ROWS, IndexDoor, IndexMaker
from omniclaude_dagster.patterns.model import (
    Added,
    Embedder,
    Found,
    Offer,
    Pattern,
    PatternQuery,
    PatternStore,
    StoredPattern,
    VectorIndex,
    Vectors,
)
from omniclaude_dagster.patterns.pause import Pause
from omniclaude_dagster.patterns.ranking import can_be_relevant, is_same_task, reasons_for
from omniclaude_dagster.patterns.search import Ranked, ranked
from omniclaude_dagster.patterns.similarity import is_usable
from omniclaude_dagster.patterns.words import terms_of
from omniclaude_dagster.request.model import NodeKind

# So many are taken by meaning, and so many by words, before both are ranked together.
_TAKEN = 200
# So many of the best are looked at for one that solves the very same task.
_LOOKED_AT = 10
_EMBEDDED_AT_ONCE = 256
_TEST_TEXT = "pattern library"


@dataclass(frozen=True)
class LibraryHealth:
    """Whether patterns can be found now. `waiting_count`: active patterns without a vector of the present model.

    `index` is the one that is asked at present: `embedded` also while another is away.
    """

    is_store_reachable: bool
    is_embedder_reachable: bool
    is_index_reachable: bool
    embedding_model: str
    index: str
    active_count: int
    waiting_count: int
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Meaning:
    """What a text means, and to whom. `baseline`: what that model makes of unrelated texts."""

    vector: Vectors
    model: str
    baseline: float

    @property
    def dimension(self) -> int:
        return len(self.vector)

    @property
    def usable_vector(self) -> Vectors | None:
        """None for a text without a word that counts."""
        return self.vector if is_usable(self.vector, dimension=self.dimension) else None


class PatternLibrary:
    """Implements PatternFinder. Safe for threads; other processes may write to the same store.

    `index`: a vector index, or what makes one from the name of the embedding model and the length of its vectors; None
    for the embedded one. It is closed with the library; store and embedder stay their owners'.
    """

    def __init__(
        self,
        store: PatternStore,
        embedder: Embedder,
        index: VectorIndex | IndexMaker | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._door = IndexDoor(store, index, pause=Pause(clock=clock))
        self._embedder_pause = Pause(clock=clock)
        self._refreshing = threading.Lock()
        self._catalogue = Catalogue()
        self._contents_kept = ContentCache(store)
        self._baseline: float | None = None
        self._seen = 0

    def find(self, query: PatternQuery) -> Found:
        """Ranked patterns, best first. Never raises for a part that is away: `degraded` names it."""
        try:
            return self._find(query)
        except RecordsUnavailableError as exc:
            return Found(degraded=(f"the records are away: {exc.message}",))

    def add(self, pattern: Pattern) -> Added:
        """Store a pattern, with its vector where one can be made. Raises RecordsUnavailableError."""
        vector, model = self.vector_of(pattern)
        return self._store.add_pattern(pattern, vector=vector, embedding_model=model)

    def vector_of(self, pattern: Pattern) -> tuple[Vectors | None, str]:
        """The vector and the embedding model's name; None and nothing while the embedder is away."""
        meaning = self._meaning(pattern.text)
        return (meaning.vector, meaning.model) if meaning else (None, "")

    def reembed(self, on_progress: Callable[[int, int], None] | None = None) -> int:
        """Give every pattern a vector of the present model; the number that got one here.

        `on_progress` is told how many are done and how many there are to do, as far as that is known. Each batch is
        kept at once: after a kill the next run goes on, and two at once do no harm. Raises EmbeddingUnavailableError,
        RecordsUnavailableError, ConflictError when another program embeds with another model meanwhile.
        """
        model = self._embedder.model_name
        self._refresh_catalogue()
        to_do = self._catalogue.waiting_count(model)
        done: set[uuid.UUID] = set()
        while batch := self._store.patterns_to_embed(model, limit=_EMBEDDED_AT_ONCE):
            ids = [pattern_id for pattern_id, _ in batch]
            if not done.isdisjoint(ids):
                raise ConflictError(
                    "patterns that were just embedded wait again: another program embeds them with another model.",
                    cure="give all programs the same OMNICLAUDE_EMBEDDINGS_MODEL, then run this again",
                )
            vectors = self._embedder.embed([text for _, text in batch])
            self._store.set_embeddings(model, dict(zip(ids, vectors, strict=True)))
            done.update(ids)
            if on_progress is not None:
                on_progress(len(done), max(to_do, len(done)))
        return len(done)

    def health(self) -> LibraryHealth:
        """Ask every part for something small."""
        store_reason = ""
        index_name = ""
        meaning = self._meaning(_TEST_TEXT)
        try:
            self._refresh_catalogue()
            if meaning is not None:
                index_name = self._ask(meaning, lambda index: _tested_name(index, meaning.vector))
        except RecordsUnavailableError as exc:
            store_reason = f"the records are away: {exc.message}"
        degraded = (store_reason, *self._degraded(meaning))
        return LibraryHealth(
            is_store_reachable=not store_reason,
            is_embedder_reachable=meaning is not None,
            is_index_reachable=not self._door.degraded,
            embedding_model=meaning.model if meaning else "",
            index=index_name,
            active_count=self._catalogue.active_count,
            waiting_count=self._catalogue.waiting_count(meaning.model) if meaning else 0,
            degraded=tuple(filter(None, degraded)),
        )

    def refresh(self) -> None:
        """Take over what is new; called early, it makes the first search fast. Raises RecordsUnavailableError."""
        self._refresh_catalogue()
        meaning = self._meaning(_TEST_TEXT)
        if meaning is not None:
            self._ask(meaning, lambda index: index.name)

    def close(self) -> None:
        """Let go of the index."""
        self._door.close()

    def _find(self, query: PatternQuery) -> Found:
        self._refresh_catalogue()
        # Without the names of fields: those of different tasks are often the same.
        text = f"{query.text}\n{' '.join(query.systems)}"
        meaning = self._meaning(text)
        candidates, vectors = self._candidates(query, terms_of(text), meaning)
        wanted, baseline = (meaning.usable_vector, meaning.baseline) if meaning else (None, 0.0)
        best = ranked(candidates, query, query_vector=wanted, vectors=vectors, baseline=baseline)
        return Found(self._offers(best, query), candidates.fitting_count, self._degraded(meaning))

    def _candidates(
        self, query: PatternQuery, terms: Sequence[str], meaning: _Meaning | None
    ) -> tuple[Candidates, Mapping[uuid.UUID, Vectors]]:
        """What may be offered, and the vectors of that."""
        if meaning is None:
            return self._catalogued(query, terms, near=()), {}

        def ask(index: VectorIndex) -> tuple[Candidates, Mapping[uuid.UUID, Vectors]]:
            wanted = meaning.usable_vector
            if wanted is None:
                candidates = self._catalogued(query, terms, near=())
            else:
                near = index.nearest(wanted, node_kind=query.node_kind, systems=query.systems, limit=_TAKEN)
                unsaid = near[-1][1] if len(near) >= _TAKEN else -1.0
                candidates = self._catalogued(query, terms, near=near)
                is_promising = can_be_relevant(candidates, unsaid=unsaid, baseline=meaning.baseline)
                candidates = candidates.only(np.flatnonzero(is_promising).tolist())
            return candidates, index.vectors(candidates.ids)

        return self._ask(meaning, ask)

    def _catalogued(
        self, query: PatternQuery, terms: Sequence[str], *, near: Sequence[tuple[uuid.UUID, float]]
    ) -> Candidates:
        return self._catalogue.candidates(
            terms, node_kind=query.node_kind, systems=query.systems, near=near, limit=_TAKEN
        )

    def _offers(self, best: Ranked, query: PatternQuery) -> tuple[Offer, ...]:
        """The chosen ones with their content. One for the very same task is always among them."""
        known: dict[uuid.UUID, StoredPattern] = {}
        always: list[int] = []
        if query.inputs or query.outputs:
            known = self._contents(best, range(min(_LOOKED_AT, len(best.ids))))
            same = (place for place, one in enumerate(best.ids) if one in known and is_same_task(known[one], query))
            always = list(itertools.islice(same, 1))
        places = best.diverse(limit=query.limit, always=always)
        known |= self._contents(best, [place for place in places if best.ids[place] not in known])
        offers = []
        for place in places:
            stored = known.get(best.ids[place])
            if stored is not None and stored.status == "active":
                parts = best.parts(place)
                offers.append(Offer(stored, float(best.scores[place]), parts, reasons_for(stored, parts, query)))
        return tuple(offers)

    def _contents(self, best: Ranked, places: Sequence[int]) -> dict[uuid.UUID, StoredPattern]:
        wanted = {best.ids[place]: best.revisions[place] for place in places}
        found = self._contents_kept.get(wanted)
        self._catalogue.forget([one for one in wanted if one not in found])
        return found

    def _meaning(self, text: str) -> _Meaning | None:
        """None while the embedder is away."""
        if self._embedder_pause.reason:
            return None
        try:
            if self._baseline is None:
                self._baseline = baseline_of(self._embedder)
            meaning = _Meaning(self._embedder.embed([text])[0], self._embedder.model_name, self._baseline)
        except EmbeddingUnavailableError as exc:
            self._embedder_pause.begin(exc.message)
            return None
        self._embedder_pause.end()
        return meaning

    def _ask[T](self, meaning: _Meaning, ask: Callable[[VectorIndex], T]) -> T:
        return self._door.use(ask, model=meaning.model, dimension=meaning.dimension, revision=self._seen)

    def _degraded(self, meaning: _Meaning | None) -> tuple[str, ...]:
        if meaning is None:
            return (f"the embedding model is away, only words are compared: {self._embedder_pause.reason}",)
        waiting = self._catalogue.waiting_count(meaning.model)
        subject = "1 pattern waits" if waiting == 1 else f"{waiting} patterns wait"
        words = f"{subject} for `omniclaude patterns reembed`: until then only words are compared"
        return tuple(filter(None, (self._door.degraded, words if waiting else "")))

    def _refresh_catalogue(self) -> None:
        """Take over every change so far. Raises RecordsUnavailableError."""
        if self._store.pattern_revision() == self._seen:
            return
        with self._refreshing:
            # Asked again: another thread may have come further meanwhile.
            revision = self._store.pattern_revision()
            if revision < self._seen:
                # The database was replaced by an older or another one.
                self._catalogue, self._contents_kept, self._seen = Catalogue(), ContentCache(self._store), 0
                self._door.forget()
            while self._seen < revision:
                changes = self._store.pattern_changes(self._seen, limit=FEED_ROWS, with_vectors=False)
                self._catalogue.apply(changes)
                self._seen = changes[-1].revision if changes else revision


def _tested_name(index: VectorIndex, vector: Vectors) -> str:
    index.nearest(vector, node_kind=NodeKind.COMPUTE, systems=(), limit=1)
    return index.name
