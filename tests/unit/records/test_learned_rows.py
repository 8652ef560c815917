"""What is learned goes into the spool as JSON and comes out with the same values; what is not ours is refused."""

import json
import uuid

import numpy as np
import pytest

from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.patterns.model import PatternReuse, ReuseRole
from omniclaude_dagster.records.learned_rows import decoded_vector, encoded_vector, strongest
from omniclaude_dagster.records.rows import payload_of, typed_rows
from omniclaude_dagster.records.schema import FIRST_TABLES, TABLES
from tests.support.generation_records import make_record
from tests.support.pattern_fakes import pattern_for
from tests.support.quorum_records import BUNDLE, make_outcome

ONE, TWO = uuid.UUID(int=1), uuid.UUID(int=2)


def a_reuse(pattern_id: uuid.UUID = ONE, role: ReuseRole = "offered", rank: int = 1) -> PatternReuse:
    return PatternReuse(pattern_id, role, rank, 0.5)


def through_json(payload):
    return typed_rows(json.loads(json.dumps(payload, allow_nan=False)))


def test_a_vector_comes_back_bit_for_bit() -> None:
    vector = np.array([0.1, -0.0, 1e-40, 0.7071068], dtype=np.float32)
    encoded = encoded_vector(vector)
    assert encoded is not None
    assert decoded_vector(encoded).tobytes() == vector.tobytes()


@pytest.mark.parametrize("vector", [None, [], [0.1, float("nan")], [float("inf"), 0.0]], ids=str)
def test_what_is_no_vector_is_kept_as_none_at_all(vector) -> None:
    record = make_record(
        learned=pattern_for("doubles"),
        learned_vector=None if vector is None else np.array(vector, dtype=np.float32),
        learned_embedding_model="letters",
    )
    (row,) = through_json(payload_of(record))["patterns"]
    assert (row["embedding"], row["embedding_model"]) == (None, "")


def test_everything_that_is_learned_survives_the_spool() -> None:
    vector = np.array([0.6, 0.8], dtype=np.float32)
    record = make_record(
        learned=pattern_for("doubles"),
        learned_vector=vector,
        learned_embedding_model="letters",
        reuses=(a_reuse(), a_reuse(TWO, "reused", 2)),
        quorum=make_outcome(),
    )
    rows = through_json(payload_of(record))
    (pattern,) = rows["patterns"]
    assert pattern["embedding"].tolist() == vector.tolist()
    assert pattern["correlation_id"] == pattern_for("doubles").correlation_id
    assert [row["pattern_id"] for row in rows["pattern_reuse_stats"]] == [ONE, TWO]
    assert payload_of(record) == payload_of(record), "ids follow from the record"


def test_a_reuse_says_what_came_of_its_generation_and_counts_no_replayed_money() -> None:
    record = make_record(reuses=(a_reuse(),), result={"status": "blocked"})
    (row,) = payload_of(record)["pattern_reuse_stats"]
    assert (row["is_success"], row["quality_score"], row["cost_nanousd"], row["model_calls"]) == (
        False,
        0.9512,
        1_250_000_001,
        1,
    )
    (call,) = record.model_calls
    replayed = type(call)(**{**vars(call), "provider": "replay"})
    (row,) = payload_of(make_record(reuses=(a_reuse(),), model_calls=(replayed,)))["pattern_reuse_stats"]
    assert (row["cost_nanousd"], row["model_calls"]) == (0, 1)


def test_of_two_roles_of_one_pattern_the_stronger_counts() -> None:
    reuses = (a_reuse(role="shown", rank=1), a_reuse(TWO, "offered", 2), a_reuse(role="reused", rank=3))
    assert [(r.pattern_id, r.role) for r in strongest(reuses)] == [(ONE, "reused"), (TWO, "offered")]


def test_a_benchmark_s_generation_teaches_the_library_nothing() -> None:
    assert payload_of(make_record(learned=pattern_for("doubles"), source="benchmark"))["patterns"] == []


def test_a_payload_of_an_older_release_has_fewer_tables_and_is_read() -> None:
    payload = {name: rows for name, rows in payload_of(make_record()).items() if name in FIRST_TABLES}
    assert set(typed_rows(payload)) == set(TABLES)


@pytest.mark.parametrize("name", sorted(FIRST_TABLES))
def test_a_payload_without_one_of_the_first_tables_is_none_of_ours(name: str) -> None:
    payload = payload_of(make_record())
    del payload[name]
    with pytest.raises(ValueError, match="not the rows of a generation"):
        typed_rows(payload)


@pytest.mark.parametrize(
    "damage",
    [
        {"embedding": "no base 64"},
        {"embedding": "YWJj"},
        {"pattern_id": "nobody"},
        {"created_at": "yesterday"},
        {"unknown_column": 1},
    ],
    ids=str,
)
def test_a_damaged_pattern_in_the_spool_is_refused(damage) -> None:
    payload = payload_of(make_record(learned=pattern_for("doubles")))
    payload["patterns"][0] |= damage
    with pytest.raises(ValueError, match=r"."):
        typed_rows(payload)


def test_two_patterns_of_one_generation_are_refused() -> None:
    payload = payload_of(make_record(learned=pattern_for("doubles")))
    payload["patterns"] *= 2
    with pytest.raises(ValueError, match="one pattern at most"):
        typed_rows(payload)


@pytest.mark.parametrize(
    ("decision", "review", "files"), [("apply", "none", 0), ("suggest", "open", 2), ("block", "open", 2)]
)
def test_what_needs_a_person_is_open_with_the_files_that_wait(decision, review, files) -> None:
    waiting = NodeBundle("node_x", {"a.py": b"a = 1\n", "b.py": b"b = 2\n"})
    record = make_record(quorum=make_outcome(decision), output_dir="/out", waiting=waiting)
    (row,) = payload_of(record)["quorum_decisions"]
    assert (row["review"], len(row["files"]), row["output_dir"]) == (review, files, "/out")
    assert row["diff"] == ("" if decision == "block" else "--- a\n+++ b\n")
    assert [e["is_applied"] for e in row["edits"]] == [decision == "apply", False]
    assert [e["is_suggested"] for e in row["edits"]] == [decision == "suggest", False]


def test_a_dry_run_leaves_nothing_for_a_person_to_decide() -> None:
    (row,) = payload_of(make_record(quorum=make_outcome("suggest"), is_preview=True))["quorum_decisions"]
    assert (row["review"], row["files"]) == ("none", {})


def test_the_node_that_the_quorum_blocked_waits_whole() -> None:
    (row,) = payload_of(make_record(quorum=make_outcome("block"), waiting=BUNDLE))["quorum_decisions"]
    assert row["files"] == {"models/__init__.py": "é\n", "node.py": "X = 1\n"}
    assert row["package_name"] == "node_user_writer_effect"


def test_a_generation_without_a_quorum_has_neither_votes_nor_a_decision() -> None:
    payload = payload_of(make_record())
    assert (payload["quorum_votes"], payload["quorum_decisions"]) == ([], [])


def test_an_abstention_is_a_row_too_and_a_replayed_call_costs_nothing() -> None:
    votes = payload_of(make_record(quorum=make_outcome()))["quorum_votes"]
    assert [v["seat"] for v in votes] == ["codestral", "llama-3.1", "gemini-flash"]
    assert [v["score"] for v in votes] == [0.9, 0.3, None]
    assert [v["cost_nanousd"] for v in votes] == [7, 0, 0]
    assert votes[2]["abstained_because"] == "answered too late"
    assert votes[1]["deficiencies"] == [{"file": "node.py", "line": 3, "message": "no check\ufffd"}]
    assert len({v["id"] for v in votes}) == 3
