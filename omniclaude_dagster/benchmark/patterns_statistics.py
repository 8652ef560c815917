"""Figures of pairs: the same task with and without the library. Pure; beside `statistics.py`, which knows no pairs.

Sources: McNemar 1947, Psychometrika 12:153-157, in its exact form (binomial over the pairs that differ); Bonett & Price
2012, Journal of Educational and Behavioral Statistics 37:479-488 (interval of a paired difference of shares).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from omniclaude_dagster.statistics import CONFIDENCE, Interval, mean_with_interval


@dataclass(frozen=True)
class PairedShares:
    """Pass or fail of the same tasks twice. `only_with` passed with the library alone, `only_without` without alone."""

    both: int
    only_with: int
    only_without: int
    neither: int

    @classmethod
    def of(cls, pairs: Sequence[tuple[bool, bool]]) -> "PairedShares":
        """Count pairs of (with, without)."""
        return cls(
            both=sum(a and b for a, b in pairs),
            only_with=sum(a and not b for a, b in pairs),
            only_without=sum(b and not a for a, b in pairs),
            neither=sum(not a and not b for a, b in pairs),
        )

    @property
    def total(self) -> int:
        """All pairs."""
        return self.both + self.only_with + self.only_without + self.neither

    @property
    def p_value(self) -> float:
        """Two-sided exact McNemar test of "the library changes nothing"; 1 when no pair differs."""
        differing = self.only_with + self.only_without
        fewer = min(self.only_with, self.only_without)
        tail = sum(math.comb(differing, k) for k in range(fewer + 1))
        return min(1.0, float(2 * tail / 2**differing))

    @property
    def difference(self) -> Interval | None:
        """Share with less share without, in [-1, 1]; None of no pairs.

        One pair is added to each kind of differing ones, so that the interval of few pairs is never a point.
        """
        if not self.total:
            return None
        n = self.total + 2
        more, less = (self.only_with + 1) / n, (self.only_without + 1) / n
        half = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * math.sqrt((more + less - (more - less) ** 2) / n)
        value = (self.only_with - self.only_without) / self.total
        # The middle of the interval is drawn towards 0; the estimate itself is not.
        low, high = min(value, more - less - half), max(value, more - less + half)
        return Interval(value, max(-1.0, low), min(1.0, high))

    def as_json(self) -> dict[str, Any]:
        """Counts, both shares, their difference with its interval, and the p-value."""
        difference = self.difference
        return {
            "pairs": self.total,
            "with": _share(self.both + self.only_with, self.total),
            "without": _share(self.both + self.only_without, self.total),
            "only_with": self.only_with,
            "only_without": self.only_without,
            "difference": None if difference is None else difference.as_json(),
            "p_value": round(self.p_value, 6),
        }


def paired_means(pairs: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Both means of (with, without) and the mean difference with a bootstrap interval over tasks."""
    difference = mean_with_interval([a - b for a, b in pairs])
    n = len(pairs)
    return {
        "pairs": n,
        "with": round(math.fsum(a for a, _ in pairs) / n, 6) if n else None,
        "without": round(math.fsum(b for _, b in pairs) / n, 6) if n else None,
        "difference": None if difference is None else difference.as_json(),
    }


def _share(count: int, total: int) -> float | None:
    return round(count / total, 4) if total else None
