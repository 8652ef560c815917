"""Differences between two independent groups, with 95 % intervals, and whether a split is as large as it should be.

Pure. Sources: Newcombe 1998, Statistics in Medicine 17:873-890, method 10 (two shares); Welch 1947, Biometrika
34:28-35 (two means, unequal spread); Abramowitz & Stegun 1964, 26.7.5 (quantile of Student's t); Clopper & Pearson 1934
(exact binomial probabilities).
"""

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, variance

from omniclaude_dagster.statistics import CONFIDENCE, Interval, wilson

# Two tables that were rounded differently are equally likely (as in R's binom.test).
_ROUNDING = 1 + 1e-7


def share_difference(successes: int, total: int, other_successes: int, other_total: int) -> Interval | None:
    """The first share less the second; None of nothing. Both groups' Wilson limits squared and added."""
    one, other = wilson(successes, total), wilson(other_successes, other_total)
    if one is None or other is None:
        return None
    difference = one.value - other.value
    below = math.hypot(one.value - one.low, other.high - other.value)
    above = math.hypot(one.high - one.value, other.value - other.low)
    return Interval(difference, max(-1.0, difference - below), min(1.0, difference + above))


def mean_difference(values: Sequence[float], others: Sequence[float]) -> Interval | None:
    """The first mean less the second, for groups of 30 and more.

    None where a group has fewer than two values or all values of each group are equal: nothing is known of the spread.
    """
    if len(values) < 2 or len(others) < 2:
        return None
    one, other = variance(values) / len(values), variance(others) / len(others)
    if one + other == 0:
        return None
    freedom = (one + other) ** 2 / (one**2 / (len(values) - 1) + other**2 / (len(others) - 1))
    half = _student_quantile(freedom) * math.sqrt(one + other)
    difference = fmean(values) - fmean(others)
    return Interval(difference, difference - half, difference + half)


def binomial_p_value(count: int, total: int, *, share: float) -> float:
    """How likely a count at least as unlikely as this one is when each of `total` has this share; exact, two-sided."""
    if not 0 < share < 1:
        return float(count == round(share) * total)
    logs = [_log_probability(k, total, share) for k in range(total + 1)]
    limit = logs[count] + math.log(_ROUNDING)
    return min(1.0, math.fsum(math.exp(value) for value in logs if value <= limit))


def _log_probability(count: int, total: int, share: float) -> float:
    ways = math.lgamma(total + 1) - math.lgamma(count + 1) - math.lgamma(total - count + 1)
    return ways + count * math.log(share) + (total - count) * math.log1p(-share)


def _student_quantile(freedom: float) -> float:
    """Quantile of Student's t for the two-sided CONFIDENCE; within 1e-5 from 10 degrees of freedom on."""
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92_160,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, start=1))
