"""One line of the results of `bench quorum`: a case with known truth, its ballots and what they led to.

Also the line of a file of votes, which is what a replay needs. Judges nothing.
"""

import uuid
from datetime import UTC, datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from omniclaude_dagster.quorum.model import Ballot, Decision, Deficiency, ProposedEdit, Seat, SeatVerdict
from omniclaude_dagster.stages.model import NANOUSD_PER_USD

# What became of the edit that refinement chose.
EditFate = Literal["none", "applied", "suggested"]


class RecordedBallot(BaseModel):
    """One seat's vote, or its abstention with the reason. Weights are the panel's, so that others can be tried."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    seat: str = Field(min_length=1, max_length=63)
    model: str = ""
    score: float | None = Field(None, ge=0, le=1)
    verdict: SeatVerdict | None = None
    abstained_because: str = ""
    deficiencies: tuple[Deficiency, ...] = ()
    edit: ProposedEdit | None = None
    latency_ms: float = Field(0.0, ge=0)
    cost_nanousd: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _votes_or_says_why_not(self) -> Self:
        if (self.score is None) != bool(self.abstained_because):
            raise ValueError("a ballot has a score, or a reason in abstained_because")
        return self

    @property
    def cost_usd(self) -> float:
        """What asking the seat cost."""
        return self.cost_nanousd / NANOUSD_PER_USD

    @classmethod
    def of(cls, ballot: Ballot) -> "RecordedBallot":
        """What is kept of a ballot: everything but the calls themselves."""
        return cls(
            seat=ballot.seat,
            model=ballot.model,
            score=ballot.score,
            verdict=ballot.verdict,
            abstained_because=ballot.abstained_because,
            deficiencies=ballot.deficiencies,
            edit=ballot.edit,
            latency_ms=ballot.latency_ms,
            cost_nanousd=sum(call.cost_nanousd for call in ballot.calls),
        )

    def ballot(self, seat: Seat) -> Ballot:
        """The ballot again, with the seat's weight of now."""
        return Ballot(
            seat=self.seat,
            weight=seat.weight,
            model=self.model,
            score=self.score,
            verdict=self.verdict,
            deficiencies=self.deficiencies,
            edit=self.edit,
            abstained_because=self.abstained_because,
            latency_ms=self.latency_ms,
        )


class VoteLine(RecordedBallot):
    """One line of a file of votes: the ballot of one seat about one case."""

    case: str = Field(min_length=1, max_length=200)


class CaseRow(BaseModel):
    """One case. `slot` is what it was made from, `group` what resembles it; `slot_cases` counts the slot's cases.

    A slot without cases leaves one row with the reason in `unusable`. `is_right_after`: truth of what would be
    delivered after refinement; the same as `is_right` where no edit was chosen.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    case: str
    slot: str
    slot_cases: int = Field(ge=0)
    group: str = ""
    family: str = ""
    is_right: bool = False
    is_passed_by_gates: bool = False
    quality_score: float = Field(0.0, ge=0, le=1)
    unusable: str = ""
    has_votes: bool = True
    ballots: tuple[RecordedBallot, ...] = ()
    score: float | None = Field(None, ge=0, le=1)
    participation: float = Field(0.0, ge=0, le=1)
    decision: Decision = "block"
    reason: str = ""
    edits_tried: int = Field(0, ge=0)
    edit: EditFate = "none"
    is_right_after: bool = False
    correlation_id: uuid.UUID = Field(default_factory=uuid.uuid4)
    finished_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def key(self) -> str:
        """What a run has once."""
        return self.case

    @property
    def is_usable(self) -> bool:
        """Whether there is a case, and votes about it."""
        return not self.unusable and self.has_votes
