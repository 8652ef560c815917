"""Votes, decisions, reviews and reported runs in the records, on both databases alike."""

import threading
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from omniclaude_dagster.errors import RecordsUnavailableError
from omniclaude_dagster.records.learned import ReportedRow, VoteRow
from omniclaude_dagster.records.repository import RecordsStore
from tests.support.generation_records import NOON, make_outcome, make_record
from tests.support.quorum_records import BUNDLE
from tests.support.quorum_records import make_outcome as make_quorum

pytestmark = pytest.mark.integration


@pytest.fixture
def store(database_url, tmp_path):
    store = RecordsStore(database_url, tmp_path / "spool")
    yield store
    store.close()


def id_of(number: int) -> uuid.UUID:
    return uuid.UUID(make_record(number).result.correlation_id)


def a_vote(number: int = 0, **changes) -> VoteRow:
    fields = {
        "correlation_id": uuid.uuid5(uuid.NAMESPACE_OID, f"case {number}"),
        "panel": "default",
        "seat": "codestral",
        "model": "codestral",
        "weight": 1.5,
        "score": 0.75,
        "verdict": "revise",
        "deficiencies": ({"file": "node.py", "line": 1, "message": "vague"},),
        "edit": {"kind": "replace_logic"},
        "latency_ms": 12.5,
        "cost_nanousd": 1_500_000_000,
        "benchmark_run": "run-1",
        "case_id": f"case-{number}",
        "is_right": True,
        "timestamp": NOON + timedelta(seconds=number),
        "vote_id": uuid.uuid5(uuid.NAMESPACE_OID, f"vote {number}"),
    }
    return VoteRow(**{**fields, **changes})


def a_report(number: int = 0, **changes) -> ReportedRow:
    fields = {
        "report_id": uuid.uuid5(uuid.NAMESPACE_OID, f"report {number}"),
        "correlation_id": uuid.uuid5(uuid.NAMESPACE_OID, "elsewhere"),
        "stage": "code_generation",
        "model": "llama\0",
        "is_success": True,
        "tokens_input": 10,
        "cost_nanousd": 2_000_000_000,
        "quality_score": 0.9,
        "reported_by": "ci",
        "timestamp": NOON,
    }
    return ReportedRow(**{**fields, **changes})


def test_a_decision_comes_back_with_everything_a_person_needs(store):
    record = make_record(1, quorum=make_quorum("suggest"), output_dir="/out/nodes", waiting=BUNDLE)
    store.write(record)
    (decision,) = store.quorum_decisions()
    assert decision == store.quorum_decision("request-1") == store.quorum_decision(str(id_of(1)))
    assert (decision.decision, decision.score, decision.participation, decision.dispersion) == (
        "suggest",
        0.62,
        0.73,
        0.3,
    )
    assert (decision.review, decision.review_note, decision.reviewed_at) == ("open", "", None)
    assert (decision.package_name, dict(decision.files)) == (
        "node_user_writer_effect",
        {path: content.decode() for path, content in BUNDLE.files.items()},
    )
    assert (decision.output_dir, decision.diff, decision.timestamp) == (
        "/out/nodes",
        "--- a\n+++ b\n",
        record.finished_at,
    )
    assert decision.edits[0]["edit"] == {"kind": "replace_logic", "source": "return row", "reason": "shorter"}
    assert decision.edits[0]["facts"]["gates"] == {"G9": "pass"}


def test_the_newest_decision_of_a_request_is_found_and_nothing_for_a_stranger(store):
    for number in (2, 1, 3):
        store.write(make_record(number, quorum=make_quorum("block"), result={"request_id": "same"}))
    assert store.quorum_decision("same").correlation_id == id_of(3)
    for stranger in ("nobody", "' OR 1=1 --", "\0", "\ud800", str(uuid.uuid4()), ""):
        assert store.quorum_decision(stranger) is None


def test_decisions_are_listed_the_newest_first_by_state_of_review(store):
    for number, decision in enumerate(["apply", "suggest", "block", "suggest"]):
        store.write(make_record(number, quorum=make_quorum(decision)))
    assert [d.request_id for d in store.quorum_decisions()] == [f"request-{n}" for n in (3, 2, 1, 0)]
    assert [d.request_id for d in store.quorum_decisions(review="open", limit=2)] == ["request-3", "request-2"]
    assert [d.request_id for d in store.quorum_decisions(review="none")] == ["request-0"]
    assert store.quorum_decisions(limit=0) == store.quorum_decisions(limit=-3) == ()


def test_the_votes_of_a_generation_are_there_with_the_abstention(store):
    store.write(make_record(1, quorum=make_quorum()))
    votes = store.quorum_votes_of(id_of(1))
    assert [(v.seat, v.score, v.weight) for v in votes] == [
        ("codestral", 0.9, 1.5),
        ("llama-3.1", 0.3, 1.2),
        ("gemini-flash", None, 1.0),
    ]
    assert votes[1].deficiencies == ({"file": "node.py", "line": 3, "message": "no check\ufffd"},)
    assert votes[0].edit["kind"] == "replace_logic"
    assert store.quorum_votes_of(uuid.uuid4()) == ()


def test_a_review_is_closed_once(store):
    store.write(make_record(1, quorum=make_quorum("suggest")))
    before = datetime.now(UTC)
    assert store.close_review(id_of(1), accepted=False, note="too clever\0") is True
    closed = store.quorum_decision("request-1")
    assert (closed.review, closed.review_note) == ("refused", "too clever\ufffd")
    assert before <= closed.reviewed_at <= datetime.now(UTC)
    assert store.close_review(id_of(1), accepted=True, note="after all") is False
    assert store.quorum_decision("request-1") == closed
    assert store.close_review(uuid.uuid4(), accepted=True, note="") is False
    store.write(make_record(1, quorum=make_quorum("suggest")))
    assert store.quorum_decision("request-1") == closed, "writing the generation again reopens nothing"


def test_what_waits_for_nobody_cannot_be_closed(store):
    store.write(make_record(1, quorum=make_quorum("apply")))
    assert store.close_review(id_of(1), accepted=True, note="") is False


def test_of_many_who_close_a_review_at_once_one_is_told_that_it_was_them(store, database_url, tmp_path):
    store.write(make_record(1, quorum=make_quorum("suggest")))
    others = [RecordsStore(database_url, tmp_path / "spool") for _ in range(4)]
    told: list[bool] = []
    start = threading.Barrier(len(others))

    def close(other: RecordsStore, number: int) -> None:
        start.wait(10)
        told.append(other.close_review(id_of(1), accepted=bool(number % 2), note=str(number)))

    threads = [threading.Thread(target=close, args=(other, n)) for n, other in enumerate(others)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for other in others:
        other.close()
    assert sorted(told) == [False, False, False, True]


def test_votes_whose_truth_is_known_are_those_of_cases_and_of_generations_with_hidden_tests(store):
    store.write_votes([a_vote(0), a_vote(1, is_right=False), a_vote(2, is_right=None)])
    store.write(make_record(5, quorum=make_quorum(), source="benchmark"))
    store.write(make_record(6, quorum=make_quorum()))
    store.write_benchmark_outcomes([make_outcome(5, is_passed=False)])
    known = store.known_votes()
    assert [(v.case_id, v.is_right) for v in known[:2]] == [("case-0", True), ("case-1", False)]
    assert [(v.correlation_id, v.is_right) for v in known[2:]] == [(id_of(5), False)] * 3
    assert known[0] == a_vote(0)


def test_votes_are_written_once_by_id_and_read_back_equal(store):
    store.write_votes([a_vote(0), a_vote(1, score=None, verdict=None, abstained_because="no host")])
    store.write_votes([a_vote(0, score=0.1), a_vote(2)])
    assert store.quorum_votes_of(a_vote(0).correlation_id) == (a_vote(0),)
    assert len(store.known_votes()) == 3
    store.write_votes([])


def test_reported_runs_are_written_once_by_id(store):
    store.write_reported([a_report(0), a_report(1)])
    store.write_reported([a_report(0, cost_nanousd=1), a_report(2, quality_score=None)])
    with store.database.engine.connect() as connection:
        rows = connection.execute(
            text("SELECT model_name, success, cost_usd, tokens_input FROM reported_model_performance")
        ).all()
        measured = connection.execute(text("SELECT count(*) FROM model_performance")).scalar()
    assert [(r.model_name, bool(r.success), r.cost_usd, r.tokens_input) for r in rows] == [
        ("llama\ufffd", True, 2.0, 10)
    ] * 3
    assert measured == 0


@pytest.mark.parametrize("change", [{"score": 1.5}, {"weight": -1.0}, {"verdict": "maybe"}], ids=str)
def test_a_vote_that_breaks_a_rule_is_set_aside_and_blocks_nobody(store, change):
    store.write_votes([replace(a_vote(0), **change)])
    store.write_votes([a_vote(1)])
    assert [v.case_id for v in store.known_votes()] == ["case-1"]
    assert store.health().set_aside_count == 1


def test_votes_and_reports_wait_in_the_spool_and_go_in_later(store, tmp_path):
    away = RecordsStore("postgresql://nobody@127.0.0.1:1/none", tmp_path / "spool")
    away.write_votes([a_vote()])
    away.write_reported([a_report()])
    away.write(make_record(1, quorum=make_quorum()))
    for ask in (away.known_votes, away.quorum_decisions, away.metrics_summary):
        with pytest.raises(RecordsUnavailableError):
            ask()
    away.close()
    assert store.replay_spool() == 3
    assert len(store.known_votes()) == 1
    assert store.quorum_decision("request-1").review == "open"
