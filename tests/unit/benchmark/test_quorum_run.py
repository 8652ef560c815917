"""A run of `bench quorum` without sandbox and models: what is taken, kept, gone on with and left out."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.benchmark.ledger import open_ledger_of, read_rows_of
from omniclaude_dagster.benchmark.quorum_case import QuorumCase
from omniclaude_dagster.benchmark.quorum_row import CaseRow, RecordedBallot
from omniclaude_dagster.benchmark.quorum_run import QuorumPlan, QuorumRun
from omniclaude_dagster.benchmark.quorum_votes import RecordedVotes
from omniclaude_dagster.errors import ConflictError, OutsideError
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.quorum.model import Ballot, Candidate, ProposedEdit, Tally, TriedEdit
from tests.support.quorum_votes import FakeSource, NotedCases, Rule, panel_of, perfect, votes_by

PANEL = panel_of("perfect")
CASES = [(f"{slot}/{side}", side == "right") for slot in "abcdef" for side in ("right", "wrong")]


def plan_of(cases: int, **changes: Any) -> QuorumPlan:
    return QuorumPlan(**{"data": "test", "data_sha256": "0", "panel": PANEL, "cases": cases, **changes})


def voter(rules: Mapping[str, Rule] | None = None) -> RecordedVotes:
    return RecordedVotes(votes_by(rules or {"perfect": perfect}, CASES))


def carried_out(
    path: Path,
    source: FakeSource,
    *,
    plan: QuorumPlan,
    votes: Any = None,
    progress: NotedCases | None = None,
    kept: list[CaseRow] | None = None,
) -> list[CaseRow]:
    keep = kept.extend if kept is not None else (lambda _: None)
    with open_ledger_of(CaseRow, path, plan.new_header(), is_fresh=False) as ledger:
        run = QuorumRun(plan, source, votes or voter(), ledger, keep, at_once=2)
        return asyncio.run(run.carry_out(progress or NotedCases()))


def test_cases_are_taken_in_the_order_of_their_slots_until_there_are_enough(tmp_path: Path) -> None:
    source = FakeSource(*"abcdef", unusable=["b"])
    rows = carried_out(tmp_path / "r.jsonl", source, plan=plan_of(6))
    assert [row.case for row in rows if not row.unusable] == [
        "a/right", "a/wrong", "c/right", "c/wrong", "d/right", "d/wrong",
    ]  # fmt: skip
    assert [row.unusable for row in rows if row.unusable] == ["b holds nothing"]
    assert source.prepared == ["a", "b", "c", "d"]
    assert [row.decision for row in rows if row.is_usable] == ["apply", "block"] * 3


def test_an_odd_number_of_cases_is_kept_to(tmp_path: Path) -> None:
    rows = carried_out(tmp_path / "r.jsonl", FakeSource(*"abc"), plan=plan_of(3))
    assert [row.case for row in rows] == ["a/right", "a/wrong", "b/right"]


def test_slots_that_run_out_end_the_run_with_fewer_cases(tmp_path: Path) -> None:
    assert len(carried_out(tmp_path / "r.jsonl", FakeSource("a"), plan=plan_of(20))) == 2


def test_a_run_that_was_ended_goes_on_and_prepares_nothing_twice(tmp_path: Path) -> None:
    path, kept = tmp_path / "r.jsonl", list[CaseRow]()
    with pytest.raises(InterruptedError):
        carried_out(path, FakeSource(*"abcd", unusable=["a"]), plan=plan_of(6), progress=NotedCases(ends_after=3))
    before = read_rows_of(CaseRow, path)
    source, progress = FakeSource(*"abcd", unusable=["a"]), NotedCases()
    rows = carried_out(path, source, plan=plan_of(6), progress=progress, kept=kept)
    assert progress.begun == (sum(not row.unusable for row in before), 6)
    assert [row.case for row in rows if row.is_usable] == [f"{s}/{side}" for s in "bcd" for side in ("right", "wrong")]
    assert "a" not in source.prepared
    assert "b" not in source.prepared
    # What was kept is given to the records again: they may have been away.
    assert len(kept) == 6
    assert len(read_rows_of(CaseRow, path)) == 7


def test_other_settings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    carried_out(path, FakeSource("a"), plan=plan_of(2))
    for changes in ({"seed": 1}, {"has_facts": False}, {"panel": panel_of("perfect", weights=[2.0])}):
        with pytest.raises(ConflictError, match="another run"):
            carried_out(path, FakeSource("a"), plan=plan_of(2, **changes))


def test_a_run_and_its_replay_lie_in_one_folder_and_other_runs_do_not(tmp_path: Path) -> None:
    live, replay = plan_of(6), plan_of(6, votes_sha256="f")
    assert live.results(tmp_path).parent == replay.results(tmp_path).parent
    assert live.results(tmp_path) != replay.results(tmp_path)
    assert live.results(tmp_path).parent != plan_of(6, seed=1).results(tmp_path).parent


def test_a_case_that_nobody_voted_about_is_kept_apart(tmp_path: Path) -> None:
    kept: list[CaseRow] = []
    votes = RecordedVotes(votes_by({"perfect": perfect}, CASES[:1]))
    rows = carried_out(tmp_path / "r.jsonl", FakeSource("a"), plan=plan_of(2), votes=votes, kept=kept)
    assert [(row.has_votes, row.is_usable) for row in rows] == [(True, True), (False, False)]
    assert [row.case for row in kept] == ["a/right"]


class Failing:
    """A host that goes away after some cases."""

    def __init__(self, after: int) -> None:
        self._left = after

    async def ballots(self, case: QuorumCase, correlation_id: uuid.UUID) -> tuple[RecordedBallot, ...]:
        self._left -= 1
        if self._left < 0:
            raise OutsideError("the host is gone.")
        return await voter().ballots(case, correlation_id) or ()


def test_a_host_that_goes_away_ends_the_run_and_keeps_what_was_taken(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with pytest.raises(OutsideError, match="the host is gone"):
        carried_out(path, FakeSource(*"abc"), plan=plan_of(6), votes=Failing(3))
    assert len(read_rows_of(CaseRow, path)) == 3


class FakeTrial:
    """Chooses the first proposed edit, as it is told; a bundle with a file `right` is right."""

    def __init__(self, makes: str) -> None:
        self.makes = makes
        self.asked: list[Candidate] = []

    async def refine(
        self, candidate: Candidate, ballots: Sequence[Ballot], tally: Tally
    ) -> tuple[tuple[TriedEdit, ...], TriedEdit | None]:
        self.asked.append(candidate)
        edit = next((ballot.edit for ballot in ballots if ballot.edit), None)
        if edit is None:
            return (), None
        bundle = replace(candidate.bundle, files={**candidate.bundle.files, self.makes: b""})
        tried = TriedEdit(edit, ("perfect",), 1.0, bundle=bundle, facts=candidate.facts)
        return (tried, tried), tried

    async def is_right(self, bundle: NodeBundle) -> bool:
        return "right" in bundle.files


def with_edit(score: float) -> RecordedVotes:
    edit = ProposedEdit("replace_logic", source="def f(): ...")
    ballot = RecordedBallot(seat="perfect", model="m", score=score, verdict="revise", edit=edit)
    return RecordedVotes({case: (ballot,) for case, _ in CASES})


@pytest.mark.parametrize(
    ("score", "makes", "fate", "after"),
    [
        (0.9, "right", "applied", [True, True]),
        (0.9, "worse", "applied", [False, False]),
        (0.7, "right", "suggested", [True, True]),
    ],
)
def test_an_edit_is_judged_by_the_hidden_truth_of_what_it_makes(
    tmp_path: Path, score: float, makes: str, fate: str, after: list[bool]
) -> None:
    trial = FakeTrial(makes)
    rows = carried_out(tmp_path / "r.jsonl", FakeSource("a", trial=trial), plan=plan_of(2), votes=with_edit(score))
    assert [row.edit for row in rows] == [fate, fate]
    assert [row.edits_tried for row in rows] == [2, 2]
    assert [row.is_right_after for row in rows] == after
    assert [row.is_right for row in rows] == [True, False]


def test_without_an_edit_the_truth_stays(tmp_path: Path) -> None:
    rows = carried_out(tmp_path / "r.jsonl", FakeSource("a", trial=FakeTrial("right")), plan=plan_of(2))
    assert [(row.edit, row.is_right_after) for row in rows] == [("none", True), ("none", False)]
