"""A case for `bench quorum`: a candidate whose truth is known, and where cases come from. Asks nobody."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.quorum.model import Ballot, Candidate, ExecutedFacts, Tally, TriedEdit

_NO_FACTS = ExecutedFacts({}, (), 0, 0, 0.0)


class Trial(Protocol):
    """What edits of a case are tried with: the real refinement of stage 5.5, and the truth about what it makes."""

    async def refine(
        self, candidate: Candidate, ballots: Sequence[Ballot], tally: Tally
    ) -> tuple[tuple[TriedEdit, ...], TriedEdit | None]:
        """Execute the proposed edits; all of them, and the chosen one."""
        ...

    async def is_right(self, bundle: NodeBundle) -> bool:
        """Whether a bundle passes every hidden test."""
        ...


@dataclass(frozen=True)
class QuorumCase:
    """One case. `group` names what resembles it, `family` what is wrong with it, or that it is right.

    `trial` is None where edits cannot be judged: a broken node is made by changing its files, and an edit of the
    typed node would render them anew.
    """

    case_id: str
    group: str
    family: str
    is_right: bool
    is_passed_by_gates: bool
    quality_score: float
    candidate: Candidate
    trial: Trial | None = field(default=None, compare=False)

    def shown(self, *, has_facts: bool) -> Candidate:
        """What a seat sees: without the facts it cannot just repeat what the gates say."""
        return self.candidate if has_facts else replace(self.candidate, gate_results=(), facts=_NO_FACTS)


@dataclass(frozen=True)
class Prepared:
    """The cases that were made from one slot (a task, a node), or why there are none."""

    cases: tuple[QuorumCase, ...] = ()
    unusable: str = ""


class CaseSource(Protocol):
    """Slots in a fixed order, and their cases."""

    @property
    def slots(self) -> Sequence[str]:
        """Names of the slots, in the order in which they are used."""
        ...

    async def prepare(self, slot: str) -> Prepared:
        """Make the cases of a slot: render, execute, judge. Raises OutsideError where nothing can be executed."""
        ...
