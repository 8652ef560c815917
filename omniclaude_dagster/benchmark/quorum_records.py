"""Votes of `bench quorum` into the records, and votes with known truth out of them again as cases."""

import uuid
from collections.abc import Iterable, Sequence

from omniclaude_dagster.benchmark.quorum_row import CaseRow, RecordedBallot
from omniclaude_dagster.benchmark.quorum_votes import ballots_of
from omniclaude_dagster.quorum.model import Deficiency, Panel
from omniclaude_dagster.quorum.tally import tally
from omniclaude_dagster.quorum.weights import SeatOutcome
from omniclaude_dagster.records.learned import VoteRow

RECORDS = "records"
GENERATION = "generation"
_VOTES = uuid.UUID("8f2f0b5e-6f0e-4c39-9a56-6a0e5a0c7c11")


def vote_rows(rows: Iterable[CaseRow], *, run_id: str, panel: Panel) -> list[VoteRow]:
    """A row for each ballot; the same run gives the same ids, so that what is written twice is there once."""
    weights = {seat.name: seat.weight for seat in panel.seats}
    return [
        VoteRow(
            correlation_id=row.correlation_id,
            panel=panel.name,
            seat=ballot.seat,
            model=ballot.model,
            weight=weights[ballot.seat],
            score=ballot.score,
            verdict=ballot.verdict,
            abstained_because=ballot.abstained_because,
            deficiencies=tuple(vars(d) for d in ballot.deficiencies),
            edit=ballot.edit.as_json() if ballot.edit else {},
            latency_ms=ballot.latency_ms,
            cost_nanousd=ballot.cost_nanousd,
            benchmark_run=run_id,
            case_id=row.case,
            is_right=row.is_right,
            timestamp=row.finished_at,
            vote_id=uuid.uuid5(_VOTES, f"{run_id}\n{row.case}\n{ballot.seat}"),
        )
        for row in rows
        for ballot in row.ballots
    ]


def cases_from_votes(votes: Iterable[VoteRow], panel: Panel) -> list[CaseRow]:
    """Cases with known truth that the panel of this name has voted about, added up with its weights of now.

    Votes of seats that the panel no longer has are left out. Edits are not: what they would have changed was executed
    then and is not known here.
    """
    seats = {seat.name for seat in panel.seats}
    cases: dict[uuid.UUID, list[VoteRow]] = {}
    for vote in votes:
        if vote.panel == panel.name and vote.seat in seats and vote.is_right is not None:
            cases.setdefault(vote.correlation_id, []).append(vote)
    return [_case(correlation_id, found, panel) for correlation_id, found in cases.items()]


def outcomes_of(votes: Iterable[VoteRow]) -> list[SeatOutcome]:
    """What weights are learned from: every vote with known truth; abstentions say nothing about worth."""
    return [
        SeatOutcome(vote.seat, vote.score, vote.is_right)
        for vote in votes
        if vote.score is not None and vote.is_right is not None
    ]


def _case(correlation_id: uuid.UUID, votes: Sequence[VoteRow], panel: Panel) -> CaseRow:
    ballots = tuple({vote.seat: _ballot(vote) for vote in votes}.values())
    counted = tally(ballots_of(ballots, panel), panel)
    first = votes[0]
    name = first.case_id or str(correlation_id)
    return CaseRow(
        case=f"{name}/{correlation_id}",
        slot=name,
        slot_cases=1,
        # Of a benchmark's case the same node may have been judged in several runs.
        group=name,
        family=first.benchmark_run or GENERATION,
        is_right=bool(first.is_right),
        is_right_after=bool(first.is_right),
        ballots=ballots,
        score=counted.score,
        participation=counted.participation,
        decision=counted.decision,
        reason=counted.reason,
        correlation_id=correlation_id,
        finished_at=first.timestamp,
    )


def _ballot(vote: VoteRow) -> RecordedBallot:
    return RecordedBallot(
        seat=vote.seat,
        model=vote.model,
        score=vote.score,
        verdict=vote.verdict,
        abstained_because=vote.abstained_because,
        deficiencies=tuple(Deficiency(**d) for d in vote.deficiencies),
        latency_ms=vote.latency_ms,
        cost_nanousd=vote.cost_nanousd,
    )
