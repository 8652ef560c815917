"""How good opinions are: scores in [0, 1] against known truth. Pure; no figure where the data determines none.

    accuracy     share of cases where "score at or above the threshold" is the truth
    Brier score  mean of (score - truth)^2, truth 1 for right: 0 is best, 0.25 is a constant 0.5 (Brier 1950)
    AUROC        probability that a right case scores above a wrong one, ties counting half
    ECE          mean over ten bins of |mean score - share right|, weighted by their cases (Guo et al. 2017)

Cases of one group resemble each other, so intervals are bootstrapped over groups; where that says nothing because
all agree, Wilson's over groups is given.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from omniclaude_dagster.quorum.tally import reaches
from omniclaude_dagster.statistics import (
    Interval,
    auroc,
    auroc_by_task,
    auroc_with_interval,
    interval_over_groups,
    wilson,
)

BINS = 10


@dataclass(frozen=True)
class Opinion:
    """One score about one case whose truth is known."""

    group: str
    score: float
    is_right: bool

    @property
    def truth(self) -> float:
        """1 for right."""
        return float(self.is_right)


def figures_of(opinions: Sequence[Opinion], *, thresholds: Sequence[float]) -> dict[str, Any]:
    """Every figure of one seat, panel or baseline, JSON-able; None for what so many opinions do not determine."""
    groups = grouped(opinions)
    return {
        "votes": len(opinions),
        "right": sum(o.is_right for o in opinions),
        "wrong": sum(not o.is_right for o in opinions),
        "accuracy": {f"{t:.2f}": _json(_accuracy(groups, t)) for t in thresholds},
        "brier": _json(interval_over_groups(groups, brier)),
        "auroc": _json(_auroc(groups)),
        "ece": None if not opinions else round(calibration_error(opinions), 4),
        "reliability": reliability(opinions),
    }


def grouped(opinions: Sequence[Opinion]) -> list[list[Opinion]]:
    """The opinions by group, in order of first appearance."""
    groups: dict[str, list[Opinion]] = {}
    for opinion in opinions:
        groups.setdefault(opinion.group, []).append(opinion)
    return list(groups.values())


def brier(opinions: Sequence[Opinion]) -> float | None:
    """The Brier score; None of nothing."""
    return _mean([(o.score - o.truth) ** 2 for o in opinions])


def calibration_error(opinions: Sequence[Opinion]) -> float:
    """The expected calibration error over BINS bins of equal width; 0 of nothing."""
    gaps = (abs(math.fsum(o.score for o in b) - math.fsum(o.truth for o in b)) for b in _bins(opinions))
    return math.fsum(gaps) / max(1, len(opinions))


def reliability(opinions: Sequence[Opinion]) -> list[dict[str, Any]]:
    """For each bin that holds cases: its bounds, how many, their mean score and the share that is right."""
    return [
        {
            "low": number / BINS,
            "high": (number + 1) / BINS,
            "cases": len(members),
            "mean_score": round(math.fsum(o.score for o in members) / len(members), 4),
            "share_right": round(math.fsum(o.truth for o in members) / len(members), 4),
        }
        for number, members in enumerate(_bins(opinions))
        if members
    ]


def share_over_groups(groups: Sequence[Sequence[bool]]) -> Interval | None:
    """A share with its interval over groups."""
    found = interval_over_groups(groups, lambda members: _mean([float(m) for m in members]))
    if found is None or found.low < found.high:
        return found
    # All agree, so every resample does: the bootstrap would claim certainty.
    agreed = wilson(round(found.value * len(groups)), len(groups))
    return found if agreed is None else Interval(found.value, agreed.low, agreed.high)


def _accuracy(groups: Sequence[Sequence[Opinion]], threshold: float) -> Interval | None:
    return share_over_groups([[reaches(o.score, threshold) == o.is_right for o in group] for group in groups])


def _auroc(groups: Sequence[Sequence[Opinion]]) -> Interval | None:
    split = [([o.score for o in g if o.is_right], [o.score for o in g if not o.is_right]) for g in groups]
    right, wrong = [s for r, _ in split for s in r], [s for _, w in split for s in w]
    area = auroc(right, wrong)
    if area is None:
        return None
    is_independent = all(len(group) == 1 for group in groups)
    return auroc_with_interval(right, wrong) if is_independent or area in {0.0, 1.0} else auroc_by_task(split)


def _bins(opinions: Sequence[Opinion]) -> list[list[Opinion]]:
    bins: list[list[Opinion]] = [[] for _ in range(BINS)]
    for opinion in opinions:
        # The small addition: 0.3 * 10 and the like must not fall below their bin by rounding.
        bins[min(BINS - 1, int(opinion.score * BINS + 1e-9))].append(opinion)
    return bins


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _json(interval: Interval | None) -> dict[str, float] | None:
    return interval.as_json() if interval else None
