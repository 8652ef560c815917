"""Panels, cases with known truth, and seats that vote by a rule: perfect, at chance, inverted, always the same."""

from collections.abc import Callable, Mapping, Sequence

from omniclaude_dagster.benchmark.quorum_case import Prepared, QuorumCase, Trial
from omniclaude_dagster.benchmark.quorum_row import CaseRow, RecordedBallot
from omniclaude_dagster.quorum.model import Ballot, Panel, Seat
from omniclaude_dagster.quorum.tally import tally
from tests.support.quorum_fakes import tax_candidate

# How a seat votes: number of the case and its truth, to a score; None abstains.
Rule = Callable[[int, bool], float | None]


def perfect(_: int, is_right: bool) -> float | None:
    """Knows the truth."""
    return 1.0 if is_right else 0.0


def inverted(_: int, is_right: bool) -> float | None:
    """Knows the truth and says the opposite."""
    return 0.0 if is_right else 1.0


def by_turns(number: int, _: bool) -> float | None:
    """Approves every second pair, whatever is true: exactly chance where right and wrong cases alternate."""
    return 1.0 if number // 2 % 2 == 0 else 0.0


def always_high(_number: int, _is_right: bool) -> float | None:
    """Finds everything good."""
    return 0.9


def absent(_number: int, _is_right: bool) -> float | None:
    """Never answers."""
    return None


def panel_of(*names: str, weights: Sequence[float] = ()) -> Panel:
    """A panel whose seats ask a model of their own name."""
    given = weights or [1.0] * len(names)
    return Panel("test", tuple(Seat(n, w, (n,)) for n, w in zip(names, given, strict=True)))


def cases_of(rules: dict[str, Rule], *, count: int = 40, panel: Panel | None = None) -> tuple[list[CaseRow], Panel]:
    """Cases that are right and wrong by turns, two a group, all passed by the gates; and the panel that judged them."""
    asked = panel or panel_of(*rules)
    return [_case(number, number % 2 == 0, rules, asked) for number in range(count)], asked


def _case(number: int, is_right: bool, rules: dict[str, Rule], panel: Panel) -> CaseRow:
    ballots = [recorded(name, rule(number, is_right)) for name, rule in rules.items()]
    counted = tally([_ballot(b, panel) for b in ballots], panel)
    return CaseRow(
        case=f"case/{number}",
        slot=f"task/{number // 2}",
        slot_cases=2,
        group=f"task/{number // 2}",
        family="canonical" if is_right else "mutant",
        is_right=is_right,
        is_right_after=is_right,
        is_passed_by_gates=True,
        quality_score=1.0,
        ballots=tuple(ballots),
        score=counted.score,
        participation=counted.participation,
        decision=counted.decision,
        reason=counted.reason,
    )


def recorded(seat: str, score: float | None) -> RecordedBallot:
    """A ballot that took 100 ms and a millionth of a dollar."""
    why = "" if score is not None else "timed out"
    return RecordedBallot(
        seat=seat, model=seat, score=score, abstained_because=why, latency_ms=100.0, cost_nanousd=1000
    )


def _ballot(ballot: RecordedBallot, panel: Panel) -> Ballot:
    return ballot.ballot(next(seat for seat in panel.seats if seat.name == ballot.seat))


def quorum_case(case_id: str, *, is_right: bool = True, trial: Trial | None = None, group: str = "") -> QuorumCase:
    """A case about a small candidate that every gate passes."""
    return QuorumCase(
        case_id=case_id,
        group=group or case_id,
        family="canonical" if is_right else "mutant",
        is_right=is_right,
        is_passed_by_gates=True,
        quality_score=1.0,
        candidate=tax_candidate(),
        trial=trial,
    )


class FakeSource:
    """Slots that hold a right and a wrong case each, unless they are said to be unusable; counts what it prepares."""

    def __init__(self, *slots: str, unusable: Sequence[str] = (), trial: Trial | None = None) -> None:
        self.slots = slots
        self.prepared: list[str] = []
        self._unusable = unusable
        self._trial = trial

    async def prepare(self, slot: str) -> Prepared:
        self.prepared.append(slot)
        if slot in self._unusable:
            return Prepared(unusable=f"{slot} holds nothing")
        return Prepared(
            (
                quorum_case(f"{slot}/right", trial=self._trial, group=slot),
                quorum_case(f"{slot}/wrong", is_right=False, trial=self._trial, group=slot),
            )
        )


class NotedCases:
    """Remembers what a run says, and can end it."""

    def __init__(self, *, ends_after: int | None = None) -> None:
        self.begun: tuple[int, int] | None = None
        self.rows: list[CaseRow] = []
        self._ends_after = ends_after

    def begin(self, rows: Sequence[CaseRow], *, total: int) -> None:
        self.begun = (len(rows), total)

    def advance(self, row: CaseRow) -> None:
        self.rows.append(row)
        if len(self.rows) == self._ends_after:
            raise InterruptedError("enough")


def votes_by(rules: Mapping[str, Rule], cases: Sequence[tuple[str, bool]]) -> dict[str, tuple[RecordedBallot, ...]]:
    """Recorded votes about named cases of known truth."""
    return {
        case: tuple(recorded(seat, rule(number, is_right)) for seat, rule in rules.items())
        for number, (case, is_right) in enumerate(cases)
    }
