"""What the ballots add up to. Pure.

    score          sum(weight x score) / sum(weight), over the seats that voted
    participation  their weight / the weight of all seats of the panel
    dispersion     square root of sum(weight x (score - mean)^2) / sum(weight)

A seat without a vote lowers participation and counts in nothing else. Without enough participation, or without any
vote, the decision is to block, whatever the score.
"""

import math
from collections.abc import Iterable

from omniclaude_dagster.quorum.model import Ballot, Decision, Panel, Tally, Thresholds

# A bound belongs to the better side, also where sums of floats miss it by a hair.
EPSILON = 1e-9


def tally(ballots: Iterable[Ballot], panel: Panel) -> Tally:
    """Add up the ballots by the panel's weights. Raises ValueError for ballots that are not this panel's."""
    scores = _scores(ballots, panel)
    votes = [(seat.weight, scores[seat.name]) for seat in panel.seats if seat.name in scores]
    present, total = math.fsum(weight for weight, _ in votes), math.fsum(seat.weight for seat in panel.seats)
    participation = present / total if votes else 0.0
    score = _mean(votes, present) if votes else None
    decision = _decision(score, participation, panel.thresholds)
    return Tally(
        decision=decision,
        score=score,
        participation=participation,
        dispersion=_dispersion(votes, present, score) if score is not None else None,
        reason=_reason(decision, score, participation, voters=len(votes), panel=panel),
        has_quorum=bool(votes) and reaches(participation, panel.thresholds.participation),
    )


def reaches(value: float, bound: float) -> bool:
    """Whether a share is at or above a bound."""
    return value >= bound - EPSILON


def _scores(ballots: Iterable[Ballot], panel: Panel) -> dict[str, float]:
    known = {seat.name for seat in panel.seats}
    seen: set[str] = set()
    scores: dict[str, float] = {}
    for ballot in ballots:
        if ballot.seat not in known or ballot.seat in seen:
            raise ValueError(f"the panel {panel.name} has no seat {ballot.seat}, or it has a ballot already")
        seen.add(ballot.seat)
        if ballot.score is None:
            continue
        if not 0 <= ballot.score <= 1:
            raise ValueError(f"the score of seat {ballot.seat} is not in [0, 1]")
        scores[ballot.seat] = ballot.score
    return scores


def _mean(votes: list[tuple[float, float]], present: float) -> float:
    mean = math.fsum(weight * score for weight, score in votes) / present
    scores = [score for _, score in votes]
    return min(max(scores), max(min(scores), mean))


def _dispersion(votes: list[tuple[float, float]], present: float, mean: float) -> float:
    return math.sqrt(math.fsum(weight * (score - mean) ** 2 for weight, score in votes) / present)


def _decision(score: float | None, participation: float, bounds: Thresholds) -> Decision:
    if score is None or not reaches(participation, bounds.participation):
        return "block"
    if reaches(score, bounds.apply):
        return "apply"
    return "suggest" if reaches(score, bounds.suggest) else "block"


def _reason(decision: Decision, score: float | None, participation: float, *, voters: int, panel: Panel) -> str:
    if not panel.seats:
        return f"the panel {panel.name!r} has no seats, so nobody can approve: add a panel.yaml to the model catalog"
    bounds = panel.thresholds
    who = f"{voters} of {len(panel.seats)} seats voted"
    if score is None:
        return f"no seat of {len(panel.seats)} voted, and no votes are no approval"
    if not reaches(participation, bounds.participation):
        present = _shown(participation, bounds.participation, percent=True)
        return f"{who}, {present} of the weight; below {bounds.participation:.0%} there is no consensus"
    if decision == "apply":
        return f"{who} and gave {_shown(score, bounds.apply)} of 1, at or above the {bounds.apply:.2f} of a consensus"
    if decision == "suggest":
        return f"{who} and gave {_shown(score, bounds.apply)} of 1, below {bounds.apply:.2f}: a person must look"
    return f"{who} and gave {_shown(score, bounds.suggest)} of 1, below {bounds.suggest:.2f}: it is not delivered"


def _shown(value: float, bound: float, *, percent: bool = False) -> str:
    """The value with as many decimals as it takes to stand on the right side of the bound."""
    first = 0 if percent else 2
    texts = [f"{value:.{decimals}{'%' if percent else 'f'}}" for decimals in range(first, first + 7)]
    scale = 100 if percent else 1
    is_right = [reaches(float(text.rstrip("%")) / scale, bound) == reaches(value, bound) for text in texts]
    return texts[is_right.index(True)] if True in is_right else texts[-1]
