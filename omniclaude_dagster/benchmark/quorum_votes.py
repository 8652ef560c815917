"""Where the ballots of a case come from: a live panel, or a file of votes that an earlier run, or a person, wrote."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from omniclaude_dagster.atomic_files import storage_error, write_atomically
from omniclaude_dagster.benchmark.quorum_case import QuorumCase
from omniclaude_dagster.benchmark.quorum_row import CaseRow, RecordedBallot, VoteLine
from omniclaude_dagster.benchmark.sampling import HOST_FAILURES
from omniclaude_dagster.errors import OutsideError, RequestError
from omniclaude_dagster.providers.model import ModelGateway
from omniclaude_dagster.quorum.model import Ballot, Panel
from omniclaude_dagster.quorum.voting import ask_panel

MAX_VOTES_BYTES = 256 * 1024**2
_CURE = "give the votes.jsonl that `omniclaude bench quorum` wrote beside its results"


class Voter(Protocol):
    """Gives the ballots of a case."""

    async def ballots(self, case: QuorumCase, correlation_id: uuid.UUID) -> tuple[RecordedBallot, ...] | None:
        """What became of each seat; None where nobody was ever asked about this case."""
        ...


@dataclass(frozen=True)
class LivePanel:
    """Asks the panel's models. `has_facts`: whether they see what the gates found."""

    panel: Panel
    models: ModelGateway
    deadline_s: float
    has_facts: bool = True

    async def ballots(self, case: QuorumCase, correlation_id: uuid.UUID) -> tuple[RecordedBallot, ...]:
        """Ask every seat. Raises OutsideError when no host of any seat works: then nothing was measured."""
        ballots = await ask_panel(
            self.panel,
            case.shown(has_facts=self.has_facts),
            self.models,
            correlation_id=correlation_id,
            deadline_s=self.deadline_s,
        )
        calls = [call for ballot in ballots for call in ballot.calls]
        if all(not call.is_success and call.error_kind in HOST_FAILURES for call in calls):
            reasons = "; ".join(f"{b.seat}: {b.abstained_because}" for b in ballots) or "the panel has no seats"
            raise OutsideError(
                f"no seat of the panel {self.panel.name} can be asked ({reasons[:600]}).",
                cure="omniclaude quorum panel shows who can answer; the same command goes on where it stopped",
            )
        return tuple(map(RecordedBallot.of, ballots))


@dataclass(frozen=True)
class RecordedVotes:
    """Answers with recorded ballots. `sha256` is the hash of their file."""

    votes: Mapping[str, tuple[RecordedBallot, ...]]
    sha256: str = field(default="", compare=False)

    async def ballots(self, case: QuorumCase, correlation_id: uuid.UUID) -> tuple[RecordedBallot, ...] | None:
        """The recorded ballots of the case."""
        del correlation_id
        return self.votes.get(case.case_id)


def ballots_of(recorded: Sequence[RecordedBallot], panel: Panel) -> tuple[Ballot, ...]:
    """The ballots of the panel's seats, in their order and with their weights; a seat without one abstains."""
    by_seat = {ballot.seat: ballot for ballot in recorded}
    return tuple(
        by_seat[seat.name].ballot(seat)
        if seat.name in by_seat
        else Ballot(seat.name, seat.weight, abstained_because="no recorded vote")
        for seat in panel.seats
    )


def read_votes(path: Path, panel: Panel) -> RecordedVotes:
    """Read a file of votes. Raises RequestError naming the line, or seats that the panel does not have."""
    content = _content(path)
    votes: dict[str, dict[str, RecordedBallot]] = {}
    for number, line in enumerate(content.splitlines(), 1):
        try:
            vote = VoteLine.model_validate_json(line)
        except ValidationError as exc:
            problem = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors()[:3])
            raise RequestError(f"{path.name} line {number} is no vote: {problem}.", cure=_CURE) from None
        if vote.seat in votes.setdefault(vote.case, {}):
            raise RequestError(
                f"{path.name} line {number}: seat {vote.seat} votes twice about {vote.case}.", cure="remove one"
            )
        votes[vote.case][vote.seat] = vote
    _refuse_strangers(path, {seat for case in votes.values() for seat in case}, panel)
    found = {case: tuple(ballots.values()) for case, ballots in votes.items()}
    return RecordedVotes(found, hashlib.sha256(content).hexdigest())


def write_votes_file(path: Path, rows: Sequence[CaseRow]) -> None:
    """All ballots of a run, one a line: what replays it without a model. Raises StorageError."""
    lines = [
        VoteLine(case=row.case, **{name: getattr(ballot, name) for name in RecordedBallot.model_fields})
        for row in rows
        for ballot in row.ballots
    ]
    content = "".join(f"{line.model_dump_json(exclude_defaults=True)}\n" for line in lines)
    try:
        write_atomically(path, content.encode())
    except OSError as exc:
        raise storage_error(f"{path.name} cannot be written", exc) from None


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_VOTES_BYTES + 1)
    except OSError as exc:
        raise RequestError(f"{path} cannot be read: {exc.strerror}.", cure=_CURE) from None
    if not content.strip():
        raise RequestError(f"{path.name} holds no votes.", cure=_CURE)
    if len(content) > MAX_VOTES_BYTES:
        raise RequestError(f"{path.name} holds more than {MAX_VOTES_BYTES} bytes.", cure=_CURE)
    return content


def _refuse_strangers(path: Path, seats: set[str], panel: Panel) -> None:
    unknown = sorted(seats - {seat.name for seat in panel.seats})
    if unknown:
        raise RequestError(
            f"{path.name} holds votes of {', '.join(unknown)}, which the panel {panel.name} does not have.",
            cure="name the panel that voted with --panel",
        )
