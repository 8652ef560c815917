"""Every vector index gives the same answers for the same patterns: the embedded one, pgvector, Qdrant in both modes."""

import itertools
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omniclaude_dagster.patterns.embedded_index import EmbeddedIndex
from omniclaude_dagster.patterns.library import PatternLibrary
from omniclaude_dagster.patterns.model import Pattern, PatternQuery, VectorIndex, Vectors
from omniclaude_dagster.patterns.qdrant_index import MEMORY, QdrantIndex
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.request.model import NodeKind
from tests.support.pattern_fakes import LetterEmbedder, pattern_for
from tests.support.qdrant_double import QdrantDouble

pytestmark = pytest.mark.integration

MODEL, DIMENSION, COUNT = "letters", 26, 400
KINDS = (NodeKind.COMPUTE, NodeKind.EFFECT)
SYSTEMS = ((), ("kafka",), ("kafka", "postgresql"), ("redis",))


def a_vector(seed: int, *, dimension: int = DIMENSION) -> Vectors:
    drawn = np.random.default_rng(seed).normal(size=dimension).astype(np.float32)
    return np.asarray(drawn / np.linalg.norm(drawn), dtype=np.float32)


def a_pattern(number: int) -> Pattern:
    return pattern_for(
        f"number {number}", node_kind=KINDS[number % 3 % 2], systems=SYSTEMS[number % 4], name=f"worker_{number % 7}"
    )


class Indexes:
    """All backends over one store; `tell` brings them up to date as a library does."""

    def __init__(self, store: RecordsStore, server: QdrantDouble, folder: Path, *, model: str = MODEL) -> None:
        named: dict[str, Any] = {"embedding_model": model, "dimension": DIMENSION}
        self.store = store
        self.seen = 0
        self.all: dict[str, VectorIndex] = {
            "embedded": EmbeddedIndex(**named),
            "pgvector": store.pgvector_index(model, DIMENSION),
            "qdrant in memory": QdrantIndex(path=MEMORY, **named),
            "qdrant in a folder": QdrantIndex(path=str(folder / f"qdrant-{model}"), **named),
            "qdrant server": QdrantIndex(url=server.url, api_key=server.api_key, library=store.library_id, **named),
        }

    def tell(self) -> None:
        while changes := self.store.pattern_changes(self.seen, limit=150):
            for index in self.all.values():
                if index.needs_vectors:
                    index.apply(changes)
            self.seen = changes[-1].revision

    def close(self) -> None:
        for index in self.all.values():
            index.close()


@pytest.fixture(scope="module")
def server() -> Iterator[QdrantDouble]:
    with QdrantDouble(api_key="a-long-secret") as double:
        yield double


@pytest.fixture
def store(postgres_server, tmp_path) -> Iterator[RecordsStore]:
    url = postgres_server.new_database(f"index_{uuid.uuid4().hex}")
    store = RecordsStore(url, tmp_path / "spool")
    store.migrate()
    with store.database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE EXTENSION vector")
    yield store
    store.close()


@pytest.fixture
def indexes(store, server, tmp_path) -> Iterator[Indexes]:
    made = Indexes(store, server, tmp_path)
    yield made
    made.close()


def fill(store: RecordsStore, count: int = COUNT) -> list[Pattern]:
    patterns = [a_pattern(number) for number in range(count)]
    for number, pattern in enumerate(patterns):
        store.add_pattern(pattern, vector=a_vector(number), embedding_model=MODEL)
    return patterns


def demand_agreement(indexes: Indexes, *, seeds: range = range(1000, 1004), limit: int = 50) -> int:
    """Compare all with the embedded one; gives how many answers were compared."""
    compared = 0
    for seed, kind, systems in itertools.product(seeds, KINDS, SYSTEMS):
        query = a_vector(seed)
        answers = {
            name: list(index.nearest(query, node_kind=kind, systems=systems, limit=limit))
            for name, index in indexes.all.items()
        }
        wanted = answers.pop("embedded")
        for name, answer in answers.items():
            assert [i for i, _ in answer] == [i for i, _ in wanted], f"{name}: other patterns, or another order"
            assert np.allclose([s for _, s in answer], [s for _, s in wanted], atol=1e-5), f"{name}: other scores"
            assert all(type(i) is uuid.UUID and type(s) is float for i, s in answer)
        compared += len(wanted)
    return compared


def test_all_find_the_same_patterns_in_the_same_order_with_the_same_scores(store, indexes):
    patterns = fill(store)
    indexes.tell()
    assert demand_agreement(indexes) > 1000
    # And these are right: compared by hand for one query.
    query, fitting = a_vector(7), [n for n, p in enumerate(patterns) if p.node_kind is NodeKind.EFFECT]
    wanted = sorted(fitting, key=lambda n: -float(a_vector(n) @ query))[:5]
    for name, index in indexes.all.items():
        found = index.nearest(query, node_kind=NodeKind.EFFECT, systems=(), limit=5)
        assert [i for i, _ in found] == [patterns[n].pattern_id for n in wanted], name


def test_all_agree_after_patterns_were_retired_brought_back_changed_and_purged(store, indexes):
    patterns = fill(store)
    indexes.tell()
    ids = [pattern.pattern_id for pattern in patterns]
    store.set_pattern_status(ids[:120], "retired", reason="age")
    store.set_pattern_status(ids[60:140], "quarantined", reason="asked")
    indexes.tell()
    assert demand_agreement(indexes) > 500
    store.purge_patterns(ids[:60])
    store.set_pattern_status(ids[60:90], "active", reason="")
    store.set_embeddings(MODEL, {one: a_vector(number + 5000) for number, one in enumerate(ids[80:200])})
    indexes.tell()
    assert demand_agreement(indexes) > 500
    for name, index in indexes.all.items():
        found = {i for kind in KINDS for i, _ in index.nearest(a_vector(1), node_kind=kind, systems=(), limit=1000)}
        assert found == {*ids[60:90], *ids[140:]}, name


def test_all_agree_while_and_after_another_embedding_model_takes_over(store, server, indexes, tmp_path):
    patterns = fill(store, 120)
    indexes.tell()
    following = Indexes(store, server, tmp_path, model="words")
    try:
        following.tell()
        assert demand_agreement(following) == 0, "no vector of the new model yet"
        half = [pattern.pattern_id for pattern in patterns[::2]]
        store.set_embeddings("words", {one: a_vector(number + 300) for number, one in enumerate(half)})
        for group in (indexes, following):
            group.tell()
            assert demand_agreement(group) > 100
        found = {
            i
            for index in following.all.values()
            for kind in KINDS
            for i, _ in index.nearest(a_vector(1), node_kind=kind, systems=(), limit=1000)
        }
        assert found == set(half)
    finally:
        following.close()


def test_equal_similarities_are_ordered_by_id_and_cut_at_the_limit_alike(store, indexes):
    patterns = [pattern_for(f"twin {number}") for number in range(60)]
    for pattern in patterns:
        store.add_pattern(pattern, vector=a_vector(1), embedding_model=MODEL)
    nearer = pattern_for("nearer")
    store.add_pattern(nearer, vector=a_vector(2), embedding_model=MODEL)
    indexes.tell()
    wanted = [nearer.pattern_id, *sorted(pattern.pattern_id for pattern in patterns)]
    for limit, (name, index) in itertools.product((1, 2, 7, 61, 200), indexes.all.items()):
        found = index.nearest(a_vector(2), node_kind=NodeKind.COMPUTE, systems=(), limit=limit)
        assert [i for i, _ in found] == wanted[:limit], name


def test_what_cannot_be_compared_is_left_out_alike(store, indexes):
    good = pattern_for("good")
    store.add_pattern(good, vector=a_vector(1), embedding_model=MODEL)
    store.add_pattern(pattern_for("says nothing"), vector=np.zeros(DIMENSION, np.float32), embedding_model=MODEL)
    store.add_pattern(pattern_for("too short"), vector=a_vector(2, dimension=5), embedding_model=MODEL)
    store.add_pattern(pattern_for("another model"), vector=a_vector(3), embedding_model="words")
    store.add_pattern(pattern_for("none"), vector=None, embedding_model="")
    indexes.tell()
    for name, index in indexes.all.items():
        found = index.nearest(a_vector(1), node_kind=NodeKind.COMPUTE, systems=(), limit=9)
        assert found == [(good.pattern_id, 1.0)], name
        for query in (np.zeros(DIMENSION, np.float32), a_vector(1, dimension=5)):
            assert index.nearest(query, node_kind=NodeKind.COMPUTE, systems=(), limit=9) == [], name


def test_vectors_come_back_bit_for_bit_and_strangers_are_left_out(store, indexes):
    patterns = fill(store, 30)
    indexes.tell()
    ids = [pattern.pattern_id for pattern in patterns]
    for name, index in indexes.all.items():
        found: Mapping[uuid.UUID, Vectors] = index.vectors([*ids, uuid.uuid4()])
        assert {one: v.tobytes() for one, v in found.items()} == {
            one: a_vector(number).tobytes() for number, one in enumerate(ids)
        }, name
        assert index.vectors([]) == {}, name


def test_changes_that_are_told_again_or_too_late_change_nothing(store, indexes):
    patterns = fill(store, 40)
    indexes.tell()
    old = store.pattern_changes(0, limit=100)
    gone, back = patterns[0].pattern_id, patterns[1].pattern_id
    store.set_pattern_status([gone, back], "retired", reason="age")
    retired = store.pattern_changes(40, limit=100)
    store.set_pattern_status([back], "active", reason="")
    indexes.tell()
    for name in ("qdrant in memory", "qdrant in a folder", "qdrant server"):
        index = indexes.all[name]
        # What another process read before `back` became active again, and tells only now.
        index.apply(retired)
        index.apply(retired)
        found = {i for kind in KINDS for i, _ in index.nearest(a_vector(1), node_kind=kind, systems=(), limit=100)}
        assert back in found, name
        assert gone not in found, name
        assert len(found) == 39, name
        index.apply(old[2:])
        index.apply(store.pattern_changes(0, limit=100))
    assert demand_agreement(indexes, seeds=range(3)) > 100


def test_a_pattern_with_many_names_of_systems_needs_all_that_are_asked_for(store, indexes):
    odd = ("a'b", 'c"d', "é", "x" * 64)
    pattern = pattern_for("odd", systems=odd)
    store.add_pattern(pattern, vector=a_vector(1), embedding_model=MODEL)
    indexes.tell()
    for name, index in indexes.all.items():
        for asked, is_found in ((odd, True), (odd[:1], True), (odd[2:], True), ((*odd, "f"), False), (("a",), False)):
            found = index.nearest(a_vector(1), node_kind=NodeKind.COMPUTE, systems=asked, limit=3)
            assert bool(found) == is_found, (name, asked)


def test_the_library_offers_the_same_whichever_index_it_has(store, indexes):
    embedder = LetterEmbedder(model_name=MODEL, dimension=DIMENSION)
    words = "adds scales sorts counts merges filters prices invoices orders users numbers texts".split()
    for number in range(150):
        chosen = [words[(number * step) % len(words)] for step in (1, 3, 5)]
        pattern = replace(pattern_for(f"{' '.join(chosen)} {number}"), systems=SYSTEMS[number % 4])
        vector = embedder.embed([pattern.text])[0]
        store.add_pattern(pattern, vector=vector, embedding_model=MODEL)
    queries = [
        PatternQuery(text=text, node_kind=NodeKind.COMPUTE, systems=systems, limit=8)
        for text in ("sorts orders by price", "counts users", "merges two texts and filters numbers")
        for systems in SYSTEMS
    ]
    answers = {}
    for name, index in indexes.all.items():
        library = PatternLibrary(store, embedder, None if name == "embedded" else index)
        found = [library.find(query) for query in queries]
        assert [f.degraded for f in found] == [()] * len(queries), name
        answers[name] = [[(offer.pattern.pattern_id, offer.score) for offer in f.offers] for f in found]
    wanted = answers.pop("embedded")
    assert sum(map(len, wanted)) > 40
    for name, answer in answers.items():
        assert answer == wanted, name
