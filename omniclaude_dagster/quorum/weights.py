"""What seats have been worth, and the weights that would follow from it. Proposes; a person applies. Pure.

Source of the weight: Nitzan & Paroush 1982 ("Optimal decision rules in uncertain dichotomous choice situations"): of
independent voters who are right with probability p, the best weighted majority weighs each by log(p / (1 - p)).

Here p is the lower end of the 90 % interval of the seat's balanced accuracy: the mean of the shares of good nodes that
it approves of (score at or above the panel's `suggest`) and of bad nodes that it does not. Balanced, so that a seat
which approves of everything is worth nothing however many nodes are good; the lower end, so that luck on few nodes is
not paid for. Each share has Wilson's interval (1927), the mean of the two the one of Zou & Donner 2008 (MOVER):
mean - sqrt((share1 - low1)^2 + (share2 - low2)^2) / 2. At or below 0.5 the weight is 0: worse than chance is not used
the other way round, for then nobody would know what the seat really does.

A seat with fewer than MIN_OUTCOMES good or bad nodes keeps its weight. The others share what they have together now,
so that the panel's total stays.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

from omniclaude_dagster.quorum.model import Panel, Seat
from omniclaude_dagster.quorum.tally import reaches
from omniclaude_dagster.statistics import auroc

MIN_OUTCOMES = 30
CONFIDENCE = 0.90
CHANCE = 0.5


@dataclass(frozen=True)
class SeatOutcome:
    """One vote whose truth is known: the score in [0, 1], and whether the node was right."""

    seat: str
    score: float
    is_right: bool


@dataclass(frozen=True)
class SeatWeight:
    """What a seat's votes have shown, and the weight that follows. Figures are None where there is nothing to count.

    `accuracy` and `balanced_accuracy` at the panel's `suggest` threshold; `lower_bound` of the latter; `brier`: mean
    squared difference of score and truth, 0 is best; `auroc`: that a right node is scored above a wrong one.
    """

    seat: str
    present_weight: float
    proposed_weight: float
    right: int
    wrong: int
    accuracy: float | None
    balanced_accuracy: float | None
    lower_bound: float | None
    brier: float | None
    auroc: float | None
    is_learned: bool
    note: str

    @property
    def outcomes(self) -> int:
        """How many of its votes have a known truth."""
        return self.right + self.wrong


def learned_weights(votes: Iterable[SeatOutcome], panel: Panel) -> tuple[SeatWeight, ...]:
    """A weight for each seat of the panel, in its order; votes of other seats count nothing."""
    by_seat: dict[str, list[SeatOutcome]] = {seat.name: [] for seat in panel.seats}
    for vote in votes:
        if vote.seat in by_seat:
            by_seat[vote.seat].append(vote)
    measured = [_measured(seat, by_seat[seat.name], threshold=panel.thresholds.suggest) for seat in panel.seats]
    return _scaled(measured)


def _measured(seat: Seat, votes: Sequence[SeatOutcome], *, threshold: float) -> SeatWeight:
    """The seat's figures; its proposed weight is still the bare log-odds, or the present one where it is kept."""
    right = [v.score for v in votes if v.is_right]
    wrong = [v.score for v in votes if not v.is_right]
    approved = sum(reaches(score, threshold) for score in right)
    refused = sum(not reaches(score, threshold) for score in wrong)
    has_both = bool(right and wrong)
    low = _lower_bound((approved, len(right)), (refused, len(wrong))) if has_both else None
    is_learned = min(len(right), len(wrong)) >= MIN_OUTCOMES
    return SeatWeight(
        seat=seat.name,
        present_weight=seat.weight,
        proposed_weight=_log_odds(low) if is_learned and low is not None else seat.weight,
        right=len(right),
        wrong=len(wrong),
        accuracy=(approved + refused) / len(votes) if votes else None,
        balanced_accuracy=(approved / len(right) + refused / len(wrong)) / 2 if has_both else None,
        lower_bound=low,
        brier=math.fsum((v.score - v.is_right) ** 2 for v in votes) / len(votes) if votes else None,
        auroc=auroc(right, wrong),
        is_learned=is_learned,
        note=_note(low, is_learned=is_learned),
    )


def _scaled(measured: Sequence[SeatWeight]) -> tuple[SeatWeight, ...]:
    """The learned weights brought to what these seats have together now; nothing to share out where all are 0."""
    learned = [m for m in measured if m.is_learned]
    odds = math.fsum(m.proposed_weight for m in learned)
    scale = math.fsum(m.present_weight for m in learned) / odds if odds else 0.0
    return tuple(replace(m, proposed_weight=m.proposed_weight * scale) if m.is_learned else m for m in measured)


def _lower_bound(first: tuple[int, int], second: tuple[int, int]) -> float:
    shares = [count / total for count, total in (first, second)]
    gaps = [share - _wilson_low(count, total) for share, (count, total) in zip(shares, (first, second), strict=True)]
    return sum(shares) / 2 - math.hypot(*gaps) / 2


def _wilson_low(count: int, total: int) -> float:
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    share = count / total
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, (share + z * z / (2 * total) - half) / (1 + z * z / total))


def _log_odds(low: float) -> float:
    return math.log(low / (1 - low)) if low > CHANCE else 0.0


def _note(low: float | None, *, is_learned: bool) -> str:
    if not is_learned:
        return f"keeps its weight: it takes {MIN_OUTCOMES} votes on good and on bad nodes each to learn one"
    if low is None or low <= CHANCE:
        return "no better than chance: leave the seat out"
    return "learned"
