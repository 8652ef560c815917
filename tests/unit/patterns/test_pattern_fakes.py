"""The store in memory keeps the same promises as the records: every test runs on both."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from omniclaude_dagster.patterns.model import Added, Pattern, PatternStore
from omniclaude_dagster.records.repository import RecordsStore
from tests.support.pattern_fakes import MOMENT, MemoryPatternStore, days_before, pattern_for

VECTOR = np.array([0.6, 0.8], dtype=np.float32)


@pytest.fixture(params=["memory", "records"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PatternStore]:
    if request.param == "memory":
        yield MemoryPatternStore()
        return
    records = RecordsStore(f"sqlite:///{tmp_path / 'records.sqlite3'}", tmp_path / "spool")
    yield records
    records.close()


def add(store: PatternStore, pattern: Pattern) -> Added:
    return store.add_pattern(pattern, vector=VECTOR, embedding_model="m")


def test_an_empty_store_has_revision_nothing(store: PatternStore) -> None:
    assert store.pattern_revision() == 0
    assert list(store.pattern_changes(0, limit=9)) == []


def test_changes_come_in_order_each_pattern_once_with_its_vector(store: PatternStore) -> None:
    patterns = [pattern_for(f"text {n}", created_at=days_before(n)) for n in range(4)]
    for pattern in patterns:
        add(store, pattern)
    store.set_pattern_status([patterns[0].pattern_id], "quarantined", reason="x")

    changes = [*store.pattern_changes(0, limit=3), *store.pattern_changes(0, limit=99)[3:]]

    assert [c.pattern_id for c in changes] == [p.pattern_id for p in (*patterns[1:], patterns[0])]
    assert [c.revision for c in changes] == sorted({c.revision for c in changes})
    assert changes[-1].revision <= store.pattern_revision()
    assert changes[-1].status == "quarantined"
    assert changes[0].vector is not None
    assert changes[0].vector.tolist() == VECTOR.tolist()
    assert changes[0].fresh_at == patterns[1].created_at
    assert store.pattern_changes(0, limit=9, with_vectors=False)[0].vector is None
    assert list(store.pattern_changes(store.pattern_revision(), limit=9)) == []


def test_the_same_code_again_counts_once_a_generation(store: PatternStore) -> None:
    first = pattern_for("text")
    again = replace(first, correlation_id=uuid.uuid4(), request_id="again", created_at=MOMENT)

    assert add(store, first) == Added(first.pattern_id, is_new=True)
    revision = store.pattern_revision()
    assert add(store, first) == Added(first.pattern_id, is_new=False)
    assert store.pattern_revision() == revision
    assert [add(store, again).is_new, add(store, again).is_new] == [False, False]
    (stored,) = store.patterns([first.pattern_id])
    assert stored.usage_count == 1
    assert stored.last_used == MOMENT


def test_patterns_come_whole_in_the_asked_order_without_those_that_are_gone(store: PatternStore) -> None:
    one, other = pattern_for("one"), pattern_for("other")
    add(store, one)
    add(store, other)

    found = store.patterns([other.pattern_id, uuid.uuid4(), one.pattern_id])

    assert [stored.pattern for stored in found] == [other, one]


def test_what_has_no_vector_of_the_model_waits_oldest_first(store: PatternStore) -> None:
    young, old, retired = (pattern_for(text, created_at=days_before(n)) for n, text in enumerate("abc"))
    for pattern in (young, old, retired):
        store.add_pattern(pattern, vector=None, embedding_model="")
    store.set_pattern_status([retired.pattern_id], "retired", reason="old")

    assert store.patterns_to_embed("m", limit=9) == [(old.pattern_id, old.text), (young.pattern_id, young.text)]
    store.set_embeddings("m", {old.pattern_id: VECTOR, uuid.uuid4(): VECTOR})
    assert store.patterns_to_embed("m", limit=9) == [(young.pattern_id, young.text)]
    assert store.patterns([old.pattern_id])[0].embedding_model == "m"


def test_only_what_really_changes_its_status_is_counted(store: PatternStore) -> None:
    pattern = pattern_for("text")
    add(store, pattern)

    assert store.set_pattern_status([pattern.pattern_id, uuid.uuid4()], "retired", reason="old") == 1
    assert store.set_pattern_status([pattern.pattern_id], "retired", reason="older") == 0
    assert store.patterns([pattern.pattern_id])[0].status_reason == "old"
