"""The figures of a benchmark and how sure they are. Pure; no figure is given where the data determines none.

Sources: Wilson 1927; Chen et al. 2021 (unbiased pass@k); DeLong, DeLong & Clarke-Pearson 1988 (variance of the AUROC).
"""

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95
_RESAMPLES = 1000
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Interval:
    """An estimate with its two-sided 95 % interval."""

    value: float
    low: float
    high: float

    def as_json(self) -> dict[str, float]:
        """Rounded to 4 decimals."""
        return {"value": round(self.value, 4), "low": round(self.low, 4), "high": round(self.high, 4)}


def wilson(successes: int, total: int) -> Interval | None:
    """A share with Wilson's score interval; None of nothing."""
    if total <= 0:
        return None
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    share = successes / total
    denominator = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / denominator
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / denominator
    # At the ends the interval touches them exactly; floating point would miss by a hair.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == total else min(1.0, centre + half)
    return Interval(share, low, high)


def pass_at_k(samples: int, correct: int, k: int) -> float | None:
    """Probability that at least one of k samples of a task is right, unbiased; None with fewer than k samples."""
    if samples < k or k < 1:
        return None
    if samples - correct < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / n for n in range(samples - correct + 1, samples + 1))


def mean_with_interval(values: Sequence[float], *, seed: int = 0) -> Interval | None:
    """A mean over tasks with a bootstrap interval over them: samples of one task are not independent."""
    if not values:
        return None
    generator = random.Random(seed)  # noqa: S311  (resampling, no secret)
    n = len(values)
    means = sorted(math.fsum(generator.choices(values, k=n)) / n for _ in range(_RESAMPLES))
    mean = math.fsum(values) / n
    return Interval(mean, _at(means, (1 - CONFIDENCE) / 2), _at(means, (1 + CONFIDENCE) / 2))


def auroc(right: Sequence[float], wrong: Sequence[float]) -> float | None:
    """Probability that a right one scores above a wrong one, ties counting half; None unless both kinds exist."""
    if not right or not wrong:
        return None
    placed = _placements(right, wrong)
    return math.fsum(placed) / len(placed)


def auroc_with_interval(right: Sequence[float], wrong: Sequence[float]) -> Interval | None:
    """The AUROC with DeLong's interval on the logit scale, so that it stays inside [0, 1]; for independent scores.

    None unless both kinds exist. With fewer than two of a kind, or at 0 and 1 exactly, DeLong's variance says
    nothing; the interval is then Wilson's over the rarer kind.
    """
    area = auroc(right, wrong)
    if area is None:
        return None
    if len(right) < 2 or len(wrong) < 2 or not 0 < area < 1:
        return _coarse(area, min(len(right), len(wrong)))
    spread = _variance(_placements(right, wrong)) / len(right)
    spread += _variance([1 - p for p in _placements(wrong, right)]) / len(wrong)
    if spread == 0:
        return _coarse(area, min(len(right), len(wrong)))
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    logit, half = math.log(area / (1 - area)), z * math.sqrt(spread) / (area * (1 - area))
    return Interval(area, _logistic(logit - half), _logistic(logit + half))


def auroc_by_task(groups: Sequence[tuple[Sequence[float], Sequence[float]]], *, seed: int = 0) -> Interval | None:
    """The AUROC over all scores, with a bootstrap interval over tasks: scores of one task resemble each other.

    Each group holds the scores of one task's right ones and wrong ones.
    """
    area = auroc(*_pooled(groups))
    if area is None:
        return None
    generator = random.Random(seed)  # noqa: S311  (resampling, no secret)
    areas = (auroc(*_pooled(generator.choices(groups, k=len(groups)))) for _ in range(_RESAMPLES))
    found = sorted(a for a in areas if a is not None)
    return Interval(area, _at(found, (1 - CONFIDENCE) / 2), _at(found, (1 + CONFIDENCE) / 2))


def interval_over_groups[T](
    groups: Sequence[Sequence[T]], figure: Callable[[Sequence[T]], float | None], *, seed: int = 0
) -> Interval | None:
    """Any figure with a bootstrap interval over groups, whose members resemble each other (the cases of one task).

    None where the figure of all members is not determined; resamples that do not determine it are left out.
    """
    value = figure([member for group in groups for member in group])
    if value is None:
        return None
    generator = random.Random(seed)  # noqa: S311  (resampling, no secret)
    drawn = (generator.choices(groups, k=len(groups)) for _ in range(_RESAMPLES))
    figures = (figure([member for group in choice for member in group]) for choice in drawn)
    found = sorted(f for f in figures if f is not None)
    return Interval(value, _at(found, (1 - CONFIDENCE) / 2), _at(found, (1 + CONFIDENCE) / 2))


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Count, mean and the QUANTILES of some scores; only the count of none."""
    if not values:
        return {"count": 0}
    ordered = sorted(values)
    found = {f"p{round(q * 100):02}": round(_at(ordered, q), 4) for q in QUANTILES}
    return {"count": len(values), "mean": round(math.fsum(values) / len(values), 4), **found}


def histogram(values: Sequence[float], *, bins: int = 10) -> list[int]:
    """How many scores in [0, 1] fall into each of `bins` equal parts; 1 itself falls into the last."""
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int(value * bins))] += 1
    return counts


def _placements(ones: Sequence[float], others: Sequence[float]) -> list[float]:
    """For each of `ones` the share of `others` below it, ties counting half."""
    ordered = sorted(others)
    return [(bisect_left(ordered, v) + bisect_right(ordered, v)) / (2 * len(ordered)) for v in ones]


def _pooled(groups: Sequence[tuple[Sequence[float], Sequence[float]]]) -> tuple[list[float], list[float]]:
    return [s for right, _ in groups for s in right], [s for _, wrong in groups for s in wrong]


def _variance(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1)


def _coarse(area: float, count: int) -> Interval:
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    denominator = 1 + z * z / count
    centre = (area + z * z / (2 * count)) / denominator
    half = z * math.sqrt(area * (1 - area) / count + z * z / (4 * count * count)) / denominator
    return Interval(area, min(area, max(0.0, centre - half)), max(area, min(1.0, centre + half)))


def _at(ordered: Sequence[float], share: float) -> float:
    """Linear interpolation between the two nearest values."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))
