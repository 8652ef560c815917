"""The library while a part of it is away or wrong: it answers with the rest, says so, and comes back by itself."""

import itertools
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from omniclaude_dagster.errors import (
    ConfigurationError,
    ConflictError,
    EmbeddingUnavailableError,
    IndexUnavailableError,
    RecordsUnavailableError,
)
from omniclaude_dagster.patterns.embedded_index import EmbeddedIndex
from omniclaude_dagster.patterns.library import PatternLibrary
from omniclaude_dagster.patterns.model import Found, PatternChange, PatternQuery, VectorIndex, Vectors
from omniclaude_dagster.patterns.pause import PAUSE_S
from omniclaude_dagster.request.model import NodeKind
from tests.support.pattern_fakes import (
    MOMENT,
    BrokenIndex,
    Clock,
    LetterEmbedder,
    MemoryPatternStore,
    pattern_for,
)

TEXTS = ["Calculate the tax of an order", "Send a mail to a customer", "Sort a list of numbers"]
QUERY = PatternQuery("calculate the tax of an order", NodeKind.COMPUTE, now=MOMENT)


def filled_store(embedder: LetterEmbedder | None = None) -> MemoryPatternStore:
    store = MemoryPatternStore()
    library = PatternLibrary(store, embedder or LetterEmbedder())
    for text in TEXTS:
        library.add(pattern_for(text))
    return store


def broken_index() -> BrokenIndex:
    return BrokenIndex(EmbeddedIndex(embedding_model="letters", dimension=26))


def texts(found: Found) -> list[str]:
    return [offer.pattern.description for offer in found.offers]


def test_while_the_embedder_is_away_words_are_compared_and_it_says_so() -> None:
    store, embedder, clock = filled_store(), LetterEmbedder(), Clock()
    embedder.is_away = True
    library = PatternLibrary(store, embedder, clock=clock)

    found = library.find(QUERY)

    assert texts(found) == [TEXTS[0]]
    assert found.offers[0].parts["meaning"] == 0.0
    assert len(found.degraded) == 1
    assert found.degraded[0].startswith("the embedding model is away")
    assert "does not answer" in found.degraded[0]


def test_the_embedder_is_left_alone_for_a_pause_and_then_asked_again() -> None:
    store, embedder, clock = filled_store(), LetterEmbedder(), Clock()
    embedder.is_away = True
    library = PatternLibrary(store, embedder, clock=clock)
    library.find(QUERY)
    embedder.is_away = False

    clock.pass_s(PAUSE_S - 1)
    assert library.find(QUERY).degraded
    assert embedder.embedded == []

    clock.pass_s(2)
    found = library.find(QUERY)
    assert found.degraded == ()
    assert found.offers[0].parts["meaning"] > 0


def test_a_pattern_added_while_the_embedder_is_away_waits_for_its_vector() -> None:
    store, embedder, clock = filled_store(), LetterEmbedder(), Clock()
    library = PatternLibrary(store, embedder, clock=clock)
    embedder.is_away = True
    assert library.vector_of(pattern_for("x")) == (None, "")
    assert library.add(pattern_for("Paint a volcano in red")).is_new
    embedder.is_away = False
    clock.pass_s(PAUSE_S + 1)

    found = library.find(replace(QUERY, text="paint a volcano in red"))

    assert "Paint a volcano in red" in texts(found)
    assert found.degraded == ("1 pattern waits for `omniclaude patterns reembed`: until then only words are compared",)
    assert library.reembed() == 1
    assert library.find(QUERY).degraded == ()


def test_while_the_index_is_away_this_process_compares_and_says_so() -> None:
    store, index, clock = filled_store(), broken_index(), Clock()
    whole = PatternLibrary(store, LetterEmbedder()).find(QUERY)
    library = PatternLibrary(store, LetterEmbedder(), index, clock=clock)

    found = library.find(QUERY)

    assert found.offers == whole.offers
    assert found.degraded == (
        "the vector index is away, patterns are compared in this process instead: Qdrant does not answer.",
    )
    assert library.health().index == "embedded"
    assert not library.health().is_index_reachable


def test_the_index_is_tried_again_after_the_pause_and_told_what_it_missed() -> None:
    store, index, clock = filled_store(), broken_index(), Clock()
    library = PatternLibrary(store, LetterEmbedder(), index, clock=clock)
    library.find(QUERY)
    library.add(pattern_for("Paint a volcano in red"))
    index.is_away = False

    clock.pass_s(PAUSE_S - 1)
    asked = len(index.calls)
    assert library.find(QUERY).degraded
    assert len(index.calls) == asked

    clock.pass_s(2)
    assert library.find(QUERY).degraded == ()
    assert library.health().index == "qdrant"
    found = index.nearest(
        LetterEmbedder().embed(["paint a volcano in red"])[0], node_kind=NodeKind.COMPUTE, systems=(), limit=1
    )
    assert [one for one, _ in found] == [pattern_for("Paint a volcano in red").pattern_id]


def test_an_index_that_goes_away_in_the_middle_of_a_search_is_replaced_in_that_search() -> None:
    store, index = filled_store(), broken_index()
    index.is_away = False
    library = PatternLibrary(store, LetterEmbedder(), index, clock=Clock())
    assert library.find(QUERY).degraded == ()
    index.is_away = True

    found = library.find(QUERY)

    assert texts(found)[0] == TEXTS[0]
    assert found.degraded


def test_a_wrongly_configured_index_is_replaced_too() -> None:
    def make(model: str, dimension: int) -> VectorIndex:
        raise ConfigurationError("the records' PostgreSQL has no pgvector.")

    found = PatternLibrary(filled_store(), LetterEmbedder(), make, clock=Clock()).find(QUERY)

    assert texts(found)[0] == TEXTS[0]
    assert "has no pgvector" in found.degraded[0]


def test_an_index_can_be_made_once_the_embedder_has_said_what_it_gives() -> None:
    made: list[tuple[str, int]] = []

    def make(model: str, dimension: int) -> VectorIndex:
        made.append((model, dimension))
        return EmbeddedIndex(embedding_model=model, dimension=dimension)

    library = PatternLibrary(filled_store(), LetterEmbedder(), make)
    assert made == []
    library.find(QUERY)
    library.find(QUERY)

    assert made == [("letters", 26)]


class RememberingIndex(EmbeddedIndex):
    """Outlives a process; `told` are the revisions it was told."""

    def __init__(self) -> None:
        super().__init__(embedding_model="letters", dimension=26)
        self.told: list[int] = []

    def seen_revision(self) -> int:
        return max(self.told, default=0)

    def apply(self, changes: Sequence[PatternChange]) -> None:
        self.told += [change.revision for change in changes]
        super().apply(changes)


def test_an_index_that_remembers_is_told_only_what_is_new() -> None:
    store, index = filled_store(), RememberingIndex()
    PatternLibrary(store, LetterEmbedder(), index).find(QUERY)
    known = list(index.told)
    library = PatternLibrary(store, LetterEmbedder(), index)
    library.add(pattern_for("Paint a volcano in red"))
    library.find(QUERY)

    assert known
    assert index.told[: len(known)] == known
    assert len(index.told) == len(known) + 1


def test_an_index_that_remembers_more_than_there_is_is_told_everything() -> None:
    index = RememberingIndex()
    index.told = [10_000]
    PatternLibrary(filled_store(), LetterEmbedder(), index).find(QUERY)

    assert len(index.told) == 1 + len(TEXTS)


def test_while_the_store_is_away_nothing_is_offered_and_it_says_so() -> None:
    store = filled_store()
    library = PatternLibrary(store, LetterEmbedder())
    library.find(QUERY)
    store.is_away = True

    found = library.find(QUERY)

    assert found.offers == ()
    assert found.degraded == ("the records are away: the records' database does not answer.",)
    with pytest.raises(RecordsUnavailableError):
        library.add(pattern_for("x"))
    health = library.health()
    assert not health.is_store_reachable
    assert health.degraded

    store.is_away = False
    assert texts(library.find(QUERY))[0] == TEXTS[0]


def test_a_store_that_goes_away_while_the_library_is_loaded_loses_nothing() -> None:
    failing = itertools.cycle([False, True, False])

    class HalfStore(MemoryPatternStore):
        def pattern_changes(self, after_revision: int, *, limit: int, with_vectors: bool = True) -> list[PatternChange]:
            self.is_away = next(failing)
            return super().pattern_changes(after_revision, limit=1, with_vectors=with_vectors)

    store = HalfStore()
    store.__dict__.update(filled_store().__dict__)
    library = PatternLibrary(store, LetterEmbedder())

    assert library.find(QUERY).degraded
    for _ in range(20):
        store.is_away = False
        found = library.find(QUERY)
        if not found.degraded:
            break

    assert texts(found)[0] == TEXTS[0]
    assert found.considered_count == len(TEXTS)


def test_vectors_of_another_model_are_never_compared() -> None:
    library = PatternLibrary(filled_store(), LetterEmbedder(model_name="another"))

    found = library.find(QUERY)

    assert texts(found) == [TEXTS[0]]
    assert found.offers[0].parts["meaning"] == 0.0
    assert found.degraded[0].startswith("3 patterns wait for `omniclaude patterns reembed`")


def test_vectors_of_another_length_are_never_compared() -> None:
    found = PatternLibrary(filled_store(), LetterEmbedder(dimension=5)).find(QUERY)

    assert texts(found) == [TEXTS[0]]
    assert found.offers[0].parts["meaning"] == 0.0


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_broken_vectors_in_the_store_leave_the_words(value: float) -> None:
    store = MemoryPatternStore()
    store.add_pattern(pattern_for(TEXTS[0]), vector=np.full(26, value, dtype=np.float32), embedding_model="letters")
    PatternLibrary(store, LetterEmbedder()).add(pattern_for(TEXTS[1]))

    found = PatternLibrary(store, LetterEmbedder()).find(QUERY)

    (offer,) = [one for one in found.offers if one.pattern.description == TEXTS[0]]
    assert np.isfinite(offer.score)
    assert offer.parts["meaning"] == 0.0


class StrangeIndex(EmbeddedIndex):
    """Answers with ids that nobody knows, and with vectors that cannot be compared."""

    def nearest(self, *args: Any, **kwargs: Any) -> list[tuple[uuid.UUID, float]]:
        return [(uuid.UUID(int=5), 9.9), *super().nearest(*args, **kwargs)]

    def vectors(self, pattern_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Vectors]:
        found = dict(super().vectors(pattern_ids))
        first = next(iter(found))
        return found | {first: np.full(26, np.nan, dtype=np.float32), uuid.UUID(int=6): np.ones(3, dtype=np.float32)}


def test_an_index_that_answers_nonsense_changes_no_more_than_the_ranking() -> None:
    index = StrangeIndex(embedding_model="letters", dimension=26)
    found = PatternLibrary(filled_store(), LetterEmbedder(), index).find(QUERY)

    assert TEXTS[0] in texts(found)
    assert all(np.isfinite(offer.score) for offer in found.offers)


def test_a_pattern_that_vanished_from_the_store_is_not_offered_and_forgotten() -> None:
    store = filled_store()
    library = PatternLibrary(store, LetterEmbedder())
    library.find(QUERY)
    gone = pattern_for(TEXTS[0]).pattern_id
    del store._rows[gone]

    library = PatternLibrary(store, LetterEmbedder())
    library._catalogue.apply(filled_store().pattern_changes(0, limit=9))
    library._seen = store.pattern_revision()

    assert gone not in [offer.pattern.pattern_id for offer in library.find(QUERY).offers]
    assert library.find(QUERY).considered_count == 2


def test_reembedding_gives_every_pattern_a_vector_of_the_new_model() -> None:
    store, progress = filled_store(), list[tuple[int, int]]()
    retired, quarantined = (pattern_for(text).pattern_id for text in TEXTS[1:])
    store.set_pattern_status([retired], "retired", reason="")
    store.set_pattern_status([quarantined], "quarantined", reason="")
    library = PatternLibrary(store, LetterEmbedder(model_name="another"))

    assert library.reembed(lambda done, total: progress.append((done, total))) == 2

    assert progress[-1] == (2, 2)
    assert store.row(retired).embedding_model == "letters"
    assert store.row(quarantined).embedding_model == "another"
    assert library.find(QUERY).degraded == ()
    assert library.reembed() == 0


def test_reembedding_goes_on_where_it_was_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omniclaude_dagster.patterns.library._EMBEDDED_AT_ONCE", 1)
    store, embedder = filled_store(), LetterEmbedder(model_name="another")
    library = PatternLibrary(store, embedder)

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.reembed(stop)

    assert PatternLibrary(store, LetterEmbedder(model_name="another")).reembed() == 1


def test_two_that_reembed_at_once_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omniclaude_dagster.patterns.library._EMBEDDED_AT_ONCE", 1)
    store = filled_store()
    library, other = (PatternLibrary(store, LetterEmbedder(model_name="another")) for _ in range(2))
    others: list[int] = []

    assert library.reembed(lambda *_: others.append(other.reembed())) == 1
    assert others == [2]
    assert not store.patterns_to_embed("another", limit=9)


def test_two_that_reembed_with_different_models_end_with_an_explanation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omniclaude_dagster.patterns.library._EMBEDDED_AT_ONCE", 1)
    store = filled_store()
    old = LetterEmbedder(model_name="old")

    def undo(done: int, total: int) -> None:
        for pattern_id, text in store.patterns_to_embed("old", limit=9):
            store.set_embeddings("old", {pattern_id: old.embed([text])[0]})

    with pytest.raises(ConflictError, match="another program"):
        PatternLibrary(store, LetterEmbedder(model_name="new")).reembed(undo)


def test_reembedding_says_when_the_embedder_is_away() -> None:
    embedder = LetterEmbedder(model_name="another")
    embedder.is_away = True

    with pytest.raises(EmbeddingUnavailableError):
        PatternLibrary(filled_store(), embedder).reembed()


def test_an_index_that_cannot_be_fed_is_not_taken_for_complete() -> None:
    class HalfIndex(BrokenIndex):
        def apply(self, changes: Sequence[PatternChange]) -> None:
            self.inner.apply(changes[:1])
            if self.is_away:
                raise IndexUnavailableError("cut off.")
            self.inner.apply(changes)

    index, clock = HalfIndex(EmbeddedIndex(embedding_model="letters", dimension=26)), Clock()
    library = PatternLibrary(filled_store(), LetterEmbedder(), index, clock=clock)
    assert library.find(QUERY).degraded
    index.is_away = False
    clock.pass_s(PAUSE_S + 1)

    assert library.find(QUERY).degraded == ()
    assert len(index.inner.vectors([pattern_for(text).pattern_id for text in TEXTS])) == len(TEXTS)


def test_closing_lets_go_of_the_index() -> None:
    class ClosingIndex(EmbeddedIndex):
        is_closed = False

        def close(self) -> None:
            self.is_closed = True

    index = ClosingIndex(embedding_model="letters", dimension=26)
    PatternLibrary(filled_store(), LetterEmbedder(), index).close()

    assert index.is_closed
