"""The vocabulary of the quorum: seats, votes, what they add up to, and what is proposed.

A seat's answer is an opinion about executed facts; it never replaces them. Everything in an answer is untrusted text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from omniclaude_dagster.gates.report import GateResult, GateStatus
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.providers.model import ModelCall

# approve: nothing must change. revise: usable, and better with changes. reject: must not be delivered.
SeatVerdict = Literal["approve", "revise", "reject"]
#   apply     consensus: the candidate goes on, and an edit that proved itself goes in
#   suggest   the candidate goes on for review, an edit is only suggested
#   block     no consensus, or too few present: nothing is delivered, a person is asked
Decision = Literal["apply", "suggest", "block"]
EditKind = Literal["replace_logic", "set_field_description", "set_field_constraint"]


@dataclass(frozen=True)
class Seat:
    """One seat of the panel. `models`: the one it names, then its fallbacks, in order.

    `skipped`, after `panel.resolved`: each model that is left out, with the reason.
    """

    name: str
    weight: float
    models: tuple[str, ...]
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Thresholds:
    """Shares in [0, 1]; each bound belongs to the better side."""

    apply: float = 0.80
    suggest: float = 0.60
    participation: float = 0.60


@dataclass(frozen=True)
class Panel:
    """Who votes, with which weight, and what their votes must reach.

    `has_own_host`, `hostless` and `is_as_given` mean what they mean in `providers.chains.Chains`.
    """

    name: str
    seats: tuple[Seat, ...]
    thresholds: Thresholds = Thresholds()
    has_own_host: bool = False
    hostless: frozenset[str] = frozenset()
    is_as_given: bool = False

    @property
    def total_weight(self) -> float:
        """Weight of all seats, present or not."""
        return sum(seat.weight for seat in self.seats)


@dataclass(frozen=True)
class Deficiency:
    """Something a seat finds wrong. `file` is one of the candidate's, or empty; `line` 0 means the whole file."""

    file: str
    line: int
    message: str


@dataclass(frozen=True)
class ProposedEdit:
    """A change of the typed node, never of its text.

    replace_logic          `source` is the new body of the node's function
    set_field_description  `model` (class name), `field`, `value` text
    set_field_constraint   `model`, `field`, `constraint` (ge, gt, le, lt, min_length, max_length), `value` number

    `proposed_by`: the model that proposed it; the header of a replaced logic.py names it.
    """

    kind: EditKind
    source: str = ""
    model: str = ""
    field: str = ""
    constraint: str = ""
    value: str | float | int | None = None
    reason: str = ""
    proposed_by: str = ""

    def as_json(self) -> dict[str, Any]:
        """The edit as the records keep it, without what its kind does not use."""
        named = {
            "kind": self.kind,
            "source": self.source,
            "model": self.model,
            "field": self.field,
            "constraint": self.constraint,
            "value": self.value,
            "reason": self.reason,
        }
        return {name: value for name, value in named.items() if value not in ("", None)}


@dataclass(frozen=True)
class Ballot:
    """What became of one seat: a vote, or an abstention with its reason.

    `score` is None for an abstention, else in [0, 1]. `model` is the one that answered, or was asked last; empty when
    nobody could be asked. `notes`: parts of the answer that were dropped, with the reason.
    """

    seat: str
    weight: float
    model: str = ""
    score: float | None = None
    verdict: SeatVerdict | None = None
    deficiencies: tuple[Deficiency, ...] = ()
    edit: ProposedEdit | None = None
    abstained_because: str = ""
    latency_ms: float = 0.0
    calls: tuple[ModelCall, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_vote(self) -> bool:
        """False for an abstention: it lowers participation and counts in nothing else."""
        return self.score is not None


@dataclass(frozen=True)
class Tally:
    """What the ballots add up to. `score` and `dispersion` are None when nobody voted.

    `score`: weighted mean of the scores of those who voted. `participation`: their share of all weight.
    `dispersion`: weighted standard deviation of their scores. `has_quorum`: enough of the weight voted.
    """

    decision: Decision
    score: float | None
    participation: float
    dispersion: float | None
    reason: str
    has_quorum: bool = True


@dataclass(frozen=True)
class ExecutedFacts:
    """What really running a node showed: the only thing that edits are compared by. `quality_score` in [0, 1]."""

    gates: Mapping[str, GateStatus]
    blocking_failures: tuple[str, ...]
    examples_passed: int
    examples_total: int
    quality_score: float


@dataclass(frozen=True)
class Candidate:
    """What a seat sees: the node, and what the gates and its execution have found so far."""

    blueprint: NodeBlueprint
    bundle: NodeBundle
    prompt: str
    gate_results: tuple[GateResult, ...]
    facts: ExecutedFacts


@dataclass(frozen=True)
class TriedEdit:
    """A proposed edit after it was executed. `support`: share of the present weight that proposed it, or the same.

    `is_better` and `is_worse` compare with the candidate by executed facts only; both False means no difference.
    `problem` says what got worse, or why the edit could not be applied; then `blueprint` and `bundle` are None.
    """

    edit: ProposedEdit
    seats: tuple[str, ...]
    support: float
    is_better: bool = False
    is_worse: bool = False
    problem: str = ""
    diff: str = ""
    blueprint: NodeBlueprint | None = None
    bundle: NodeBundle | None = None
    facts: ExecutedFacts | None = None


@dataclass(frozen=True)
class QuorumOutcome:
    """Everything stage 5.5 leaves. `applied` is in the node, `suggested` waits for a person."""

    panel: str
    tally: Tally
    ballots: tuple[Ballot, ...]
    tried: tuple[TriedEdit, ...] = ()
    applied: TriedEdit | None = None
    suggested: TriedEdit | None = None

    @property
    def needs_person(self) -> bool:
        """Whether a person has something to decide."""
        return self.tally.decision != "apply"
