"""Votes into real records and out of them again: as cases with figures, and as what weights are learned from."""

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from omniclaude_dagster.benchmark.quorum_records import cases_from_votes, outcomes_of, vote_rows
from omniclaude_dagster.benchmark.quorum_row import RecordedBallot
from omniclaude_dagster.benchmark.quorum_summary import summary_of
from omniclaude_dagster.quorum.model import Deficiency, ProposedEdit
from omniclaude_dagster.quorum.weights import MIN_OUTCOMES, learned_weights
from omniclaude_dagster.records.learned import VoteRow
from omniclaude_dagster.records.repository import RecordsStore
from tests.support.quorum_votes import absent, by_turns, cases_of, panel_of, perfect

RULES = {"perfect": perfect, "chance": by_turns, "absent": absent}


@pytest.fixture
def records(tmp_path: Path) -> Iterator[RecordsStore]:
    with contextlib.closing(RecordsStore(f"sqlite:///{tmp_path / 'r.sqlite3'}", tmp_path / "spool")) as store:
        yield store


def test_a_run_is_in_the_records_once_however_often_it_is_written(records: RecordsStore) -> None:
    rows, panel = cases_of(RULES, count=8)
    for _ in range(2):
        records.write_votes(vote_rows(rows, run_id="run-1", panel=panel))
    known = records.known_votes()
    assert len(known) == 8 * len(RULES)
    assert {vote.benchmark_run for vote in known} == {"run-1"}
    assert sum(vote.is_right is True for vote in known) == 4 * len(RULES)


def test_cases_come_out_with_the_figures_they_went_in_with(records: RecordsStore) -> None:
    rows, panel = cases_of(RULES)
    records.write_votes(vote_rows(rows, run_id="run-1", panel=panel))
    again = cases_from_votes(records.known_votes(), panel)
    went_in, came_out = (summary_of(found, panel, has_gates=False) for found in (rows, again))
    assert came_out["decisions"] == went_in["decisions"]
    for seat in RULES:
        one, other = (s["groups"]["all cases"]["seats"][seat] for s in (went_in, came_out))
        for figure in ("votes", "asked", "abstentions", "ece", "mean_latency_ms", "cost_usd", "models"):
            assert other[figure] == one[figure]
        assert (other["auroc"] or {}).get("value") == (one["auroc"] or {}).get("value")
    assert came_out["effect"] is None
    assert set(came_out["groups"]["all cases"]["baselines"]) == {"always approve", "coin"}


def test_votes_of_other_panels_lost_seats_and_unknown_truth_are_no_cases() -> None:
    panel = panel_of("a")
    vote = VoteRow(uuid.uuid4(), "test", "a", "m", 1.0, score=0.9, verdict="approve", is_right=True)
    strangers = [
        VoteRow(uuid.uuid4(), "other", "a", "m", 1.0, score=0.9, is_right=True),
        VoteRow(uuid.uuid4(), "test", "gone", "m", 1.0, score=0.9, is_right=True),
        VoteRow(uuid.uuid4(), "test", "a", "m", 1.0, score=0.9, is_right=None),
    ]
    (case,) = cases_from_votes([*strangers, vote], panel)
    assert (case.is_right, case.decision, case.family) == (True, "apply", "generation")


def test_a_ballot_with_everything_in_it_survives(records: RecordsStore) -> None:
    rows, panel = cases_of({"perfect": perfect}, count=2)
    edit = ProposedEdit("set_field_description", model="M", field="f", value="text", reason="r", proposed_by="m")
    ballot = RecordedBallot(
        seat="perfect", model="m", score=0.5, verdict="revise", edit=edit,
        deficiencies=(Deficiency("logic.py", 7, "wrong sign"),), latency_ms=12.5, cost_nanousd=7,
    )  # fmt: skip
    records.write_votes(vote_rows([rows[0].model_copy(update={"ballots": (ballot,)})], run_id="r", panel=panel))
    (vote,) = records.known_votes()
    assert vote.edit == edit.as_json()
    (case,) = cases_from_votes([vote], panel)
    assert case.ballots[0].deficiencies == ballot.deficiencies
    assert (case.ballots[0].latency_ms, case.ballots[0].cost_nanousd) == (12.5, 7)


def test_a_seat_at_chance_is_proposed_no_weight_and_a_good_one_all_of_it() -> None:
    rows, panel = cases_of(RULES, count=4 * MIN_OUTCOMES)
    found = {seat.seat: seat for seat in learned_weights(outcomes_of(vote_rows(rows, run_id="r", panel=panel)), panel)}
    assert found["chance"].proposed_weight == 0.0
    assert found["perfect"].proposed_weight == pytest.approx(2.0)
    assert found["absent"].proposed_weight == 1.0
    assert not found["absent"].is_learned
