"""The index in this process: exact, filtered, equal similarities by id, and only vectors that can be compared."""

import threading
import uuid
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from omniclaude_dagster.patterns.embedded_index import EmbeddedIndex
from omniclaude_dagster.patterns.model import PatternChange, Vectors
from omniclaude_dagster.patterns.similarity import similarities
from omniclaude_dagster.request.model import NodeKind
from tests.support.pattern_fakes import MOMENT

MODEL = "m"
DIMENSION = 16


def unit_rows(count: int, seed: int = 0) -> Vectors:
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSION), dtype=np.float32)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def change(number: int, vector: Vectors | None, **values: Any) -> PatternChange:
    made = PatternChange(
        pattern_id=uuid.UUID(int=number),
        revision=number + 1,
        status="active",
        node_kind=NodeKind.COMPUTE,
        systems=(),
        text="",
        quality_score=1.0,
        success_rate=1.0,
        fresh_at=MOMENT,
        embedding_model=MODEL,
        vector=vector,
    )
    return replace(made, **values)


def index_of(*changes: PatternChange) -> EmbeddedIndex:
    index = EmbeddedIndex(embedding_model=MODEL, dimension=DIMENSION)
    index.apply(changes)
    return index


def nearest(index: EmbeddedIndex, vector: Vectors, limit: int = 5, **values: Any) -> list[tuple[int, float]]:
    given: dict[str, Any] = {"node_kind": NodeKind.COMPUTE, "systems": (), "limit": limit}
    return [(one.int, similarity) for one, similarity in index.nearest(vector, **(given | values))]


@pytest.mark.parametrize("limit", [1, 10, 200, 5_000])
def test_the_nearest_are_those_of_a_full_comparison(limit: int) -> None:
    rows, query = unit_rows(3_000), unit_rows(1, seed=9)[0]
    index = index_of(*(change(number, row) for number, row in enumerate(rows)))
    expected = np.round(similarities(rows, query), 6)

    found = nearest(index, query, limit=limit)

    best = sorted(range(len(rows)), key=lambda number: (-expected[number], number))[:limit]
    assert found == [(number, expected[number]) for number in best]


@pytest.mark.parametrize("limit", [1, 3, 7])
def test_equal_vectors_come_in_order_of_their_ids(limit: int) -> None:
    row = unit_rows(1)[0]
    numbers = np.random.default_rng(1).permutation(50).tolist()
    index = index_of(*(change(number, row) for number in numbers))

    assert [number for number, _ in nearest(index, row, limit=limit)] == list(range(limit))


def test_kind_and_all_systems_must_fit() -> None:
    row = unit_rows(1)[0]
    index = index_of(
        change(1, row, systems=("Redis",)),
        change(2, row, systems=("Redis", "Kafka")),
        change(3, row, node_kind=NodeKind.EFFECT, systems=("Redis", "Kafka")),
    )

    assert [n for n, _ in nearest(index, row, systems=("Kafka", "Redis"))] == [2]
    assert [n for n, _ in nearest(index, row, systems=("Redis",))] == [1, 2]
    assert [n for n, _ in nearest(index, row, node_kind=NodeKind.EFFECT)] == [3]
    assert nearest(index, row, node_kind=NodeKind.REDUCER) == []


@pytest.mark.parametrize(
    "values",
    [
        {"embedding_model": "another"},
        {"embedding_model": ""},
        {"vector": None},
        {"vector": np.zeros(DIMENSION, dtype=np.float32)},
        {"vector": np.full(DIMENSION, np.nan, dtype=np.float32)},
        {"vector": np.full(DIMENSION, np.inf, dtype=np.float32)},
        {"vector": np.ones(DIMENSION + 1, dtype=np.float32)},
        {"vector": np.ones((1, DIMENSION), dtype=np.float32)},
        {"status": "quarantined"},
        {"status": "retired"},
    ],
    ids=lambda values: next(iter(values)),
)
def test_what_cannot_be_compared_is_not_found_and_takes_an_older_vector_out(values: dict[str, Any]) -> None:
    row = unit_rows(1)[0]
    fresh = index_of(change(1, row, **values) if "vector" not in values else change(1, values["vector"]))
    known = index_of(change(1, row))
    known.apply([replace(change(1, row), revision=9, **values)])

    assert nearest(fresh, row) == nearest(known, row) == []


def test_one_that_comes_back_is_found_with_its_new_vector() -> None:
    old, new = unit_rows(2)
    index = index_of(change(1, old))
    index.apply([change(1, old, status="retired")])
    index.apply([change(1, new)])

    assert nearest(index, new) == [(1, 1.0)]


@pytest.mark.parametrize("wrong", [np.zeros(DIMENSION), np.ones(DIMENSION - 1), np.full(DIMENSION, np.nan)])
def test_a_question_that_cannot_be_compared_finds_nothing(wrong: Vectors) -> None:
    assert nearest(index_of(change(1, unit_rows(1)[0])), wrong.astype(np.float32)) == []


@pytest.mark.parametrize("limit", [0, -1])
def test_nothing_is_found_where_nothing_is_wanted(limit: int) -> None:
    row = unit_rows(1)[0]

    assert nearest(index_of(change(1, row)), row, limit=limit) == []


def test_vectors_are_given_as_copies_and_only_those_that_are_here() -> None:
    row = unit_rows(1)[0]
    index = index_of(change(1, row), change(2, row, node_kind=NodeKind.EFFECT))
    found = index.vectors([uuid.UUID(int=n) for n in (2, 3, 1)])
    found[uuid.UUID(int=1)][:] = 0

    assert set(found) == {uuid.UUID(int=1), uuid.UUID(int=2)}
    assert index.vectors([uuid.UUID(int=1)])[uuid.UUID(int=1)].tolist() == row.tolist()


def test_a_similarity_does_not_depend_on_what_is_beside_it() -> None:
    rows, query = unit_rows(5_000), unit_rows(1, seed=3)[0]
    together = similarities(rows, query)

    assert [similarities(rows[n : n + 1], query)[0] for n in range(0, 5_000, 97)] == together[::97].tolist()
    assert similarities(rows[::-1].copy(), query).tolist() == together[::-1].tolist()


def test_searching_while_another_thread_adds_finds_what_was_there_before() -> None:
    rows = unit_rows(4_000)
    index = index_of(*(change(number, rows[number]) for number in range(500)))
    failures: list[BaseException] = []

    def search() -> None:
        try:
            for number in range(0, 500, 5):
                assert nearest(index, rows[number], limit=1) == [(number, 1.0)]
        except BaseException as exc:  # noqa: BLE001 - handed to the test
            failures.append(exc)

    searchers = [threading.Thread(target=search) for _ in range(2)]
    for thread in searchers:
        thread.start()
    for number in range(500, 4_000, 10):
        index.apply([change(n, rows[n]) for n in range(number, number + 10)])
    for thread in searchers:
        thread.join()

    assert failures == []
    assert nearest(index, rows[3_999], limit=1) == [(3_999, 1.0)]
