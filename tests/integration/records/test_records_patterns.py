"""The pattern library in the records, on both databases alike: stored once, counted right, told in order."""

import uuid
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import inspect, select, text, update

from omniclaude_dagster.errors import RecordsUnavailableError, RequestError, StorageError
from omniclaude_dagster.patterns.model import Pattern, PatternReuse, ReuseRole, StoredPattern
from omniclaude_dagster.records import learning, migrate
from omniclaude_dagster.records.learning_schema import PatternReuseRow, PatternRow
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.request.model import NodeKind
from tests.support.generation_records import NOON, make_record
from tests.support.pattern_fakes import pattern_for
from tests.support.quorum_records import make_outcome

pytestmark = pytest.mark.integration

# A pattern's texts come back to the character, and so do the order of keys and the spelling of numbers.
NASTY_TEXT = "doubles\0 \x10 \ud800 é\U0001f600 '; DROP TABLE patterns; -- 100%_/\\"
NASTY: dict[str, Any] = {
    "code": "def scale_value(number):\n\treturn '\\x00' + \"é\"\n",
    "systems": ("kafka", "postgresql"),
    "inputs": {"zeta": "int", "alpha": "dict[str, float]"},
    "request": {"z": 1e30, "a": [-0.0, None, {"é\ud800": "\0"}]},
    "examples": ({"input": {"z": 1, "a": 2.0}, "output": {}},),
    "models": {"models/b.py": "class B: ...\n", "models/a.py": ""},
    "quality_score": 0.1 + 0.2,
    "reuse_conditions": ("The node is of kind COMPUTE.",),
}


@pytest.fixture
def store(database_url, tmp_path):
    store = RecordsStore(database_url, tmp_path / "spool")
    yield store
    store.close()


def vector(*values: float) -> Any:
    return np.array(values, dtype=np.float32)


def learned(number: int, pattern: Pattern, **changes: Any):
    """A generation that taught this pattern."""
    correlation_id = uuid.UUID(make_record(number).result.correlation_id)
    return make_record(number, learned=of_generation(pattern, correlation_id), **changes)


def of_generation(pattern: Pattern, correlation_id: uuid.UUID) -> Pattern:
    return type(pattern)(**{**vars(pattern), "correlation_id": correlation_id})


def reusing(number: int, pattern: Pattern, role: ReuseRole, *, status: str = "published", quality: float = 0.9):
    """A generation in which this came of the pattern."""
    reuse = PatternReuse(pattern.pattern_id, role, rank=1, score=0.75, reasons=("same fields",), detail="tried\0")
    return make_record(number, reuses=(reuse,), result={"status": status, "quality_score": quality})


def one(store: RecordsStore, pattern: Pattern) -> StoredPattern:
    (found,) = store.patterns([pattern.pattern_id])
    return found


def reuse_roles(store: RecordsStore) -> list[tuple[str, int]]:
    return [(row.role, row.rank) for row in store.reuse_rows()]


def test_a_pattern_comes_back_to_the_character(store):
    pattern = pattern_for(NASTY_TEXT, **NASTY)
    added = store.add_pattern(pattern, vector=vector(0.6, 0.8), embedding_model="letters")
    assert (added.pattern_id, added.is_new) == (pattern.pattern_id, True)
    assert one(store, pattern) == StoredPattern(
        pattern, average_quality_score=pattern.quality_score, embedding_model="letters", revision=1
    )
    assert list(one(store, pattern).pattern.inputs) == ["zeta", "alpha"]
    assert str(one(store, pattern).pattern.request["a"][0]) == "-0.0"


def test_patterns_come_in_the_order_they_are_asked_for_and_gone_ones_are_left_out(store):
    patterns = [pattern_for(f"number {n}") for n in range(3)]
    for pattern in patterns:
        store.add_pattern(pattern, vector=None, embedding_model="")
    asked = [patterns[2].pattern_id, uuid.uuid4(), patterns[0].pattern_id]
    assert [s.pattern_id for s in store.patterns(asked)] == [asked[0], asked[2]]
    assert store.patterns([]) == ()
    assert len(store.patterns([patterns[1].pattern_id] * 2_000)) == 2_000


def test_the_same_pattern_of_the_same_generation_is_stored_once_and_then_changes_nothing(store):
    pattern = pattern_for("doubles")
    store.add_pattern(pattern, vector=None, embedding_model="")
    before = one(store, pattern)
    again = store.add_pattern(pattern, vector=vector(1.0), embedding_model="letters")
    assert (again.pattern_id, again.is_new) == (pattern.pattern_id, False)
    assert one(store, pattern) == before
    assert store.pattern_revision() == 1
    assert store.reuse_rows() == ()


def test_the_same_code_of_another_generation_adds_to_its_usage_once(store):
    pattern = pattern_for("doubles", quality_score=1.0)
    store.add_pattern(pattern, vector=None, embedding_model="")
    later = pattern_for(
        "doubles",
        pattern_id=uuid.uuid4(),
        correlation_id=uuid.uuid4(),
        quality_score=0.96,
        created_at=pattern.created_at + timedelta(hours=1),
    )
    for _ in range(2):
        added = store.add_pattern(later, vector=None, embedding_model="")
        assert (added.pattern_id, added.is_new) == (pattern.pattern_id, False)
    found = one(store, pattern)
    assert (found.usage_count, found.last_used, found.revision) == (1, later.created_at, 2)
    assert found.average_quality_score == pytest.approx(1.0 + 0.3 * (0.96 - 1.0), abs=1e-12)
    assert found.pattern == pattern
    assert reuse_roles(store) == [("repeated", 0)]


def test_an_older_use_that_is_told_later_does_not_turn_the_clock_back(store):
    pattern = pattern_for("doubles")
    store.add_pattern(pattern, vector=None, embedding_model="")
    store.write(reusing(9, pattern, "shown"))
    store.write(reusing(3, pattern, "shown"))
    assert one(store, pattern).last_used == reusing(9, pattern, "shown").finished_at
    assert one(store, pattern).usage_count == 2


def test_what_breaks_a_rule_is_refused_and_leaves_nothing(store):
    for change in ({"quality_score": 1.5}, {"quality_score": float("nan")}, {"source": "dream"}):
        with pytest.raises(StorageError, match="refuse"):
            store.add_pattern(pattern_for("doubles", **change), vector=None, embedding_model="")
    assert store.pattern_revision() == 0
    assert store.health().set_aside_count == 0


def test_a_database_that_is_away_is_told_and_nothing_is_spooled(tmp_path):
    away = RecordsStore("postgresql://nobody@127.0.0.1:1/none", tmp_path / "spool")
    with pytest.raises(RecordsUnavailableError):
        away.add_pattern(pattern_for("doubles"), vector=None, embedding_model="")
    with pytest.raises(RecordsUnavailableError):
        away.pattern_revision()
    assert away.health().spooled_count == 0
    away.close()


def test_a_generation_brings_its_pattern_its_reuses_its_votes_and_its_decision_at_once(store):
    shown = pattern_for("doubles")
    store.add_pattern(shown, vector=None, embedding_model="")
    pattern = pattern_for("halves")
    reuse = PatternReuse(shown.pattern_id, "shown", 1, 0.5)
    record = learned(
        1,
        pattern,
        reuses=(reuse,),
        quorum=make_outcome(),
        learned_vector=vector(0.6, 0.8),
        learned_embedding_model="letters",
    )
    store.write(record)
    assert one(store, pattern).pattern == record.learned
    assert one(store, pattern).embedding_model == "letters"
    assert one(store, shown).usage_count == 1
    assert reuse_roles(store) == [("shown", 1)]
    assert len(store.quorum_votes_of(record.learned.correlation_id)) == 3
    assert store.quorum_decision("request-1").decision == "suggest"
    assert store.pattern_revision() == 3


def test_a_generation_that_is_written_again_teaches_and_counts_nothing_more(store):
    pattern = pattern_for("doubles")
    for record in (learned(1, pattern), reusing(2, pattern, "reused")):
        store.write(record)
        before = one(store, pattern)
        store.write(record)
        assert one(store, pattern) == before
    assert store.pattern_revision() == 2


def test_one_bad_row_keeps_the_whole_generation_out(store):
    pattern = pattern_for("doubles")
    store.write(learned(1, pattern, quorum=make_outcome(panel="default"), learned_embedding_model="letters"))
    bad = learned(
        2, pattern_for("halves", quality_score=1.5), reuses=(PatternReuse(pattern.pattern_id, "shown", 1, 1),)
    )
    store.write(bad)
    assert store.latest("request-2") is None
    assert one(store, pattern).usage_count == 0
    assert store.reuse_rows() == ()
    assert store.health().set_aside_count == 1


def test_a_generation_that_waited_in_the_spool_teaches_when_it_goes_in_and_once_only(store, tmp_path):
    away = RecordsStore("postgresql://nobody@127.0.0.1:1/none", tmp_path / "spool")
    pattern = pattern_for(NASTY_TEXT, **NASTY)
    record = learned(1, pattern, learned_vector=vector(0.6, 0.8), learned_embedding_model="letters")
    away.write(record)
    away.write(record)
    away.write(reusing(2, pattern, "reused"))
    away.close()
    assert store.replay_spool() == 3
    assert one(store, pattern).pattern == record.learned
    assert one(store, pattern).usage_count == 1
    (change,) = store.pattern_changes(0, limit=10)
    assert change.vector.tolist() == vector(0.6, 0.8).tolist()


@pytest.mark.parametrize(
    ("role", "status", "uses", "success", "quality", "failures"),
    [
        ("held_out", "published", 0, 0.5, 0.95, 1),
        ("offered", "published", 0, 0.5, 0.95, 1),
        ("rejected", "published", 0, 0.5, 0.95, 1),
        ("shown", "published", 1, 0.5, 0.95, 1),
        ("shown", "failed", 1, 0.5, 0.95, 1),
        ("reused", "published", 1, 0.5 + 0.3 * 0.5, 0.95 + 0.3 * (0.9 - 0.95), 0),
        ("reused", "needs_review", 1, 0.5 - 0.3 * 0.5, 0.95, 2),
        ("broken", "published", 0, 0.5 - 0.3 * 0.5, 0.95, 2),
        ("broken", "failed", 0, 0.5 - 0.3 * 0.5, 0.95, 2),
        ("repeated", "published", 1, 0.5, 0.95 + 0.3 * (0.9 - 0.95), 1),
    ],
)
def test_what_each_role_does_to_a_pattern(store, role, status, uses, success, quality, failures):
    pattern = pattern_for("doubles", quality_score=0.95)
    store.add_pattern(pattern, vector=None, embedding_model="")
    with store.database.engine.begin() as connection:
        connection.execute(update(PatternRow).values(success_rate=0.5, consecutive_failures=1))
    store.write(reusing(1, pattern, role, status=status))
    found = one(store, pattern)
    assert found.usage_count == uses
    assert found.success_rate == pytest.approx(success, abs=1e-12)
    assert found.average_quality_score == pytest.approx(quality, abs=1e-12)
    assert found.consecutive_failures == failures
    assert found.last_used == (reusing(1, pattern, role).finished_at if uses else None)
    is_changed = bool(uses) or role == "broken"
    assert (found.revision, store.pattern_revision()) == (2, 2) if is_changed else (1, 1)
    assert found.status == ("quarantined" if failures == 2 else "active")
    assert found.status_reason == (learning.QUARANTINE_REASON if failures == 2 else "")
    (row,) = store.reuse_rows()
    assert (row.role, row.is_success, row.quality_score, row.model_calls) == (role, status == "published", 0.9, 1)
    assert (row.reasons, row.detail, row.node_kind) == (("same fields",), "tried\ufffd", "EFFECT")


def test_one_success_between_two_failures_keeps_a_pattern_out_of_quarantine(store):
    pattern = pattern_for("doubles")
    store.add_pattern(pattern, vector=None, embedding_model="")
    for number, role in enumerate(["broken", "reused", "broken"]):
        store.write(reusing(number, pattern, role))
    assert one(store, pattern).status == "active"
    store.write(reusing(5, pattern, "broken"))
    assert one(store, pattern).status == "quarantined"


def test_a_retired_pattern_stays_retired_when_it_fails(store):
    pattern = pattern_for("doubles")
    store.add_pattern(pattern, vector=None, embedding_model="")
    store.set_pattern_status([pattern.pattern_id], "retired", reason="age")
    for number in range(2):
        store.write(reusing(number, pattern, "broken"))
    found = one(store, pattern)
    assert (found.status, found.status_reason, found.consecutive_failures) == ("retired", "age", 2)


def test_rates_stay_shares_after_very_many_values(store):
    pattern = pattern_for("doubles", quality_score=1.0)
    store.add_pattern(pattern, vector=None, embedding_model="")
    for number in range(60):
        store.write(reusing(number, pattern, "reused", quality=1.0, status="published" if number < 30 else "failed"))
    assert 0 <= one(store, pattern).success_rate < 1e-4
    assert one(store, pattern).average_quality_score == 1.0
    assert store.health().set_aside_count == 0


@pytest.mark.parametrize(
    ("role", "recorded"),
    [
        (None, "repeated"),
        ("offered", "repeated"),
        ("shown", "repeated"),
        ("rejected", "repeated"),
        ("broken", "repeated"),
        ("reused", "reused"),
        ("held_out", "held_out"),
    ],
)
def test_code_that_is_known_already_counts_once_for_its_generation(store, role, recorded):
    pattern, other = pattern_for("doubles", quality_score=1.0), pattern_for("halves")
    for known in (pattern, other):
        store.add_pattern(known, vector=None, embedding_model="")
    reuses = [PatternReuse(other.pattern_id, "shown", 2, 0.1)]
    reuses += [PatternReuse(pattern.pattern_id, role, 1, 0.9)] if role else []
    store.write(learned(1, pattern, reuses=tuple(reuses), result={"quality_score": 0.96}))
    found = one(store, pattern)
    assert (found.usage_count, found.consecutive_failures, found.status) == (1, 0, "active")
    assert found.average_quality_score == pytest.approx(1.0 + 0.3 * (0.96 - 1.0), abs=1e-12)
    assert found.success_rate == 1.0
    assert one(store, other).usage_count == 1
    rows = {row.pattern_id: row for row in store.reuse_rows()}
    assert (rows[pattern.pattern_id].role, rows[pattern.pattern_id].rank) == (recorded, 1 if role else 0)
    assert ("on its own" in rows[pattern.pattern_id].detail) == (role == "held_out")
    assert len(rows) == 2
    assert store.pattern_revision() == 4


def test_a_generation_that_was_told_by_its_pattern_first_is_not_counted_again(store):
    pattern = pattern_for("doubles")
    store.add_pattern(pattern, vector=None, embedding_model="")
    record = learned(1, pattern)
    store.add_pattern(record.learned, vector=None, embedding_model="")
    store.write(record)
    assert one(store, pattern).usage_count == 1
    assert reuse_roles(store) == [("repeated", 0)]


def test_a_pattern_that_came_before_its_own_generation_is_no_repetition(store):
    record = learned(1, pattern_for("doubles"))
    store.add_pattern(record.learned, vector=None, embedding_model="")
    store.write(record)
    assert one(store, record.learned).usage_count == 0
    assert store.reuse_rows() == ()


def test_a_benchmark_s_generation_changes_no_pattern_and_is_in_no_comparison(store):
    pattern = pattern_for("doubles")
    store.add_pattern(pattern, vector=None, embedding_model="")
    before = one(store, pattern)
    reuses = (PatternReuse(pattern.pattern_id, "reused", 1, 1.0),)
    store.write(learned(1, pattern_for("halves"), reuses=reuses, source="benchmark"))
    store.write(learned(2, pattern, source="benchmark"))
    assert one(store, pattern) == before
    assert store.pattern_counts() == {"active": 1, "quarantined": 0, "retired": 0}
    assert store.reuse_rows() == ()
    with store.database.engine.connect() as connection:
        assert connection.execute(select(PatternReuseRow.role)).scalars().all() == ["reused"]


def test_the_use_of_a_pattern_that_is_gone_is_still_recorded(store):
    store.write(reusing(1, pattern_for("never stored"), "reused"))
    assert reuse_roles(store) == [("reused", 1)]
    assert store.pattern_changes(0, limit=5) == []


def test_reuse_rows_come_in_order_and_from_a_moment_on(store):
    pattern = pattern_for("doubles")
    for number in (2, 0, 1):
        store.write(reusing(number, pattern, "offered"))
    assert [row.request_id for row in store.reuse_rows()] == ["request-0", "request-1", "request-2"]
    since = reusing(1, pattern, "offered").finished_at
    assert [row.request_id for row in store.reuse_rows(since=since)] == ["request-1", "request-2"]


def test_changes_come_in_order_each_pattern_once_as_it_is_now(store):
    patterns = [pattern_for(f"number {n}", systems=("kafka",)) for n in range(5)]
    for number, pattern in enumerate(patterns):
        store.add_pattern(pattern, vector=vector(1.0, 0.0) if number else None, embedding_model="letters")
    store.write(reusing(1, patterns[1], "shown"))
    store.set_pattern_status([patterns[2].pattern_id], "quarantined", reason="asked")
    first = store.pattern_changes(0, limit=3)
    rest = store.pattern_changes(first[-1].revision, limit=100)
    order = [0, 3, 4, 1, 2]
    assert [c.pattern_id for c in (*first, *rest)] == [patterns[n].pattern_id for n in order]
    assert [c.revision for c in (*first, *rest)] == [1, 4, 5, 6, 7]
    assert store.pattern_revision() == 7
    assert store.pattern_changes(7, limit=100) == []
    assert [c.status for c in rest] == ["active", "quarantined"]
    assert (first[0].vector, first[0].embedding_model) == (None, "")
    assert first[1].vector.tolist() == [1.0, 0.0]
    assert first[1].text == patterns[3].text
    assert (first[1].systems, first[1].node_kind) == (("kafka",), NodeKind.COMPUTE)
    assert first[1].fresh_at == patterns[3].created_at
    assert rest[0].fresh_at == reusing(1, patterns[1], "shown").finished_at
    assert all(c.vector is None for c in store.pattern_changes(0, limit=9, with_vectors=False))


def test_vectors_are_replaced_and_what_is_missing_is_known_oldest_first(store):
    patterns = [pattern_for(f"number {n}", created_at=NOON - timedelta(days=n)) for n in range(4)]
    for pattern in patterns:
        store.add_pattern(pattern, vector=vector(1.0), embedding_model="old")
    store.set_pattern_status([patterns[1].pattern_id], "retired", reason="age")
    assert [i for i, _ in store.patterns_to_embed("new", limit=9)] == [patterns[n].pattern_id for n in (3, 2, 0)]
    (first, words), *_ = store.patterns_to_embed("new", limit=1)
    assert words == patterns[3].text
    store.set_embeddings("new", {first: vector(0.6, 0.8), uuid.uuid4(): vector(1.0, 0.0)})
    assert [i for i, _ in store.patterns_to_embed("new", limit=9)] == [patterns[n].pattern_id for n in (2, 0)]
    *_, last = store.pattern_changes(0, limit=9)
    assert (last.pattern_id, last.embedding_model, last.revision) == (first, "new", store.pattern_revision())
    assert last.vector.tolist() == vector(0.6, 0.8).tolist()


def test_a_vector_that_is_no_number_is_refused_whole(store):
    pattern = pattern_for("doubles")
    store.add_pattern(pattern, vector=None, embedding_model="")
    with pytest.raises(StorageError, match="letters"):
        store.set_embeddings("letters", {pattern.pattern_id: vector(float("nan"), 1.0)})
    assert store.pattern_revision() == 1


def test_a_status_changes_only_where_it_differs_and_activating_forgives(store):
    patterns = [pattern_for(f"number {n}") for n in range(3)]
    for pattern in patterns:
        store.add_pattern(pattern, vector=None, embedding_model="")
    ids = [pattern.pattern_id for pattern in patterns]
    store.write(reusing(1, patterns[0], "broken"))
    assert store.set_pattern_status([*ids[:2], ids[0], uuid.uuid4()], "quarantined", reason="asked\0") == 2
    assert store.set_pattern_status(ids, "quarantined", reason="again") == 1
    assert [s.status_reason for s in store.patterns(ids)] == ["asked\ufffd", "asked\ufffd", "again"]
    assert len({s.revision for s in store.patterns(ids)}) == 3
    assert store.set_pattern_status(ids, "active", reason="") == 3
    assert one(store, patterns[0]).consecutive_failures == 0
    assert store.set_pattern_status([], "retired", reason="") == 0


def test_only_retired_patterns_are_purged_and_their_history_stays(store):
    patterns = [pattern_for(f"number {n}") for n in range(3)]
    for pattern in patterns:
        store.add_pattern(pattern, vector=None, embedding_model="")
    store.write(reusing(1, patterns[0], "shown"))
    store.set_pattern_status([patterns[0].pattern_id], "retired", reason="age")
    assert store.purge_patterns([p.pattern_id for p in patterns]) == 1
    assert store.pattern_counts() == {"active": 2, "quarantined": 0, "retired": 0}
    assert len(store.reuse_rows()) == 1
    assert store.add_pattern(patterns[0], vector=None, embedding_model="").is_new


def test_pages_go_through_all_patterns_the_newest_first(store):
    patterns = [pattern_for(f"number {n}", created_at=NOON + timedelta(seconds=n // 2)) for n in range(7)]
    for pattern in patterns:
        store.add_pattern(pattern, vector=None, embedding_model="")
    seen: list[StoredPattern] = []
    while page := store.pattern_page(limit=2, after=seen[-1].pattern_id if seen else None):
        seen += page
    wanted = sorted(patterns, key=lambda p: (p.created_at, p.pattern_id), reverse=True)
    assert [s.pattern for s in seen] == wanted
    assert store.pattern_page(after=uuid.uuid4()) == ()
    assert store.pattern_page(limit=-1) == ()


def test_pages_are_filtered_and_the_text_is_only_ever_text(store):
    percent = pattern_for("takes 100% of_all", node_kind=NodeKind.REDUCER)
    other = pattern_for("takes 100 of all Kafka topics")
    for pattern in (percent, other):
        store.add_pattern(pattern, vector=None, embedding_model="")
    store.set_pattern_status([other.pattern_id], "retired", reason="age")

    def found(**filters: Any) -> list[uuid.UUID]:
        return [s.pattern_id for s in store.pattern_page(**filters)]

    assert found(text="0%") == found(text="f_a") == found(node_kind=NodeKind.REDUCER) == [percent.pattern_id]
    assert found(text="KAFKA top") == found(status="retired") == [other.pattern_id]
    assert found(text="' OR 1=1 --") == found(text="\0") == found(text="\\") == found(text="\ud800") == []
    assert len(found(text="takes 100")) == 2
    with pytest.raises(RequestError, match="501 characters"):
        found(text="x" * 501)


def test_the_id_of_the_library_lasts_and_is_its_own(store, tmp_path):
    first = store.library_id()
    assert store.library_id() == first
    other = RecordsStore(f"sqlite:///{tmp_path / 'other.sqlite3'}", tmp_path / "spool")
    assert other.library_id() != first
    other.close()


def test_the_third_migration_goes_up_and_down_around_data(store):
    engine = store.database.engine
    migrate.upgrade(engine, revision="r0002")
    assert "patterns" not in inspect(engine).get_table_names()
    store.write(make_record(1, quorum=make_outcome()))
    store.write(learned(2, pattern_for("doubles"), learned_vector=vector(1.0), learned_embedding_model="letters"))
    store.write(reusing(3, pattern_for("doubles"), "reused"))
    migrate.downgrade(engine, revision="r0002")
    assert not {"patterns", "pattern_revision", "quorum_votes"} & set(inspect(engine).get_table_names())
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM generations")).scalar() == 3
    migrate.upgrade(engine)
    assert store.pattern_revision() == 0
    assert store.latest("request-2") is not None
    assert store.add_pattern(pattern_for("doubles"), vector=None, embedding_model="").is_new


def test_the_types_of_the_columns_are_those_that_the_code_names(store):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    store.migrate()
    with store.database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": migrate.VERSION_TABLE, "compare_type": True}
        )
        assert compare_metadata(context, PatternRow.metadata) == []
