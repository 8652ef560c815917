"""What stage 5.5 changes, on cases with known truth: what would be published without it and with it. Pure.

Without it what passes every gate is published. With it a case must also reach `apply`, and an edit that was applied
goes with it. Two shares are compared, each with an interval of the paired difference:

    published_right  of what is published, the share that is right: what a user can rely on
    delivered_right  of all cases, the share that is published and right: what a user gets at all

Both depend on how many of the cases are wrong. The sign of the first does not: it is positive when more of what is
kept is right than of what is held back. Its interval is the wider of two: bootstrapped over groups, because cases of
one group resemble each other; and Newcombe's for what is kept against what is held back (1998, Statistics in Medicine
17:873-890, method 10), because a bootstrap of the few cases that a panel may keep claims too much.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from omniclaude_dagster.benchmark.quorum_figures import share_over_groups
from omniclaude_dagster.benchmark.quorum_row import CaseRow
from omniclaude_dagster.statistics import Interval, interval_over_groups, wilson

BETTER, WORSE, NOT_SHOWN, NOTHING = "better", "worse", "no difference shown", "nothing is published"


@dataclass(frozen=True)
class _Pair:
    """One case: published or not, right or not, without stage 5.5 and with it."""

    is_published: bool
    is_right: bool
    is_published_after: bool
    is_right_after: bool


def effect_of(rows: Sequence[CaseRow]) -> dict[str, Any]:
    """The change, the decisions behind it in counts, and a verdict in words."""
    passed = [row for row in rows if row.is_passed_by_gates]
    groups: dict[str, list[_Pair]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(_pair(row))
    pairs = list(groups.values())
    difference = _published_interval(pairs)
    return {
        "without": _published(pairs, lambda p: p.is_published, lambda p: p.is_right),
        "with": _published(pairs, lambda p: p.is_published_after, lambda p: p.is_right_after),
        "published_right_difference": difference.as_json() if difference else None,
        "delivered_right_difference": _as_json(interval_over_groups(pairs, _delivered_difference)),
        "verdict": _verdict(difference),
        "right_blocked": sum(r.is_right and r.decision == "block" for r in passed),
        "right_for_review": sum(r.is_right and r.decision == "suggest" for r in passed),
        "wrong_let_through": sum(not r.is_right_after and r.decision == "apply" for r in passed),
        "wrong_for_review": sum(not r.is_right and r.decision == "suggest" for r in passed),
        "wrong_blocked": sum(not r.is_right and r.decision == "block" for r in passed),
        "edits": _edits(rows),
    }


def _pair(row: CaseRow) -> _Pair:
    is_applied = row.is_passed_by_gates and row.decision == "apply"
    return _Pair(row.is_passed_by_gates, row.is_right, is_applied, row.is_right_after)


def _published(
    pairs: Sequence[Sequence[_Pair]], is_published: Callable[[_Pair], bool], is_right: Callable[[_Pair], bool]
) -> dict[str, Any]:
    kept = [[is_right(pair) for pair in group if is_published(pair)] for group in pairs]
    share = share_over_groups([group for group in kept if group])
    return {
        "published": sum(map(len, kept)),
        "right": sum(map(sum, kept)),
        "of": sum(map(len, pairs)),
        "published_right": share.as_json() if share else None,
    }


def _published_difference(pairs: Sequence[_Pair]) -> float | None:
    before = [p.is_right for p in pairs if p.is_published]
    after = [p.is_right_after for p in pairs if p.is_published_after]
    return sum(after) / len(after) - sum(before) / len(before) if before and after else None


def _published_interval(pairs: Sequence[Sequence[_Pair]]) -> Interval | None:
    found = interval_over_groups(pairs, _published_difference)
    before = [pair for group in pairs for pair in group if pair.is_published]
    kept = [p.is_right_after for p in before if p.is_published_after]
    held = [p.is_right for p in before if not p.is_published_after]
    one, other = wilson(sum(kept), len(kept)), wilson(sum(held), len(held))
    if found is None or one is None or other is None:
        return found
    share = len(held) / len(before)
    below = share * math.hypot(one.value - one.low, other.high - other.value)
    above = share * math.hypot(one.high - one.value, other.value - other.low)
    return Interval(found.value, min(found.low, found.value - below), max(found.high, found.value + above))


def _delivered_difference(pairs: Sequence[_Pair]) -> float | None:
    if not pairs:
        return None
    changes = ((p.is_published_after and p.is_right_after) - (p.is_published and p.is_right) for p in pairs)
    return math.fsum(changes) / len(pairs)


def _verdict(difference: Interval | None) -> str:
    if difference is None:
        return NOTHING
    if difference.low > 0:
        return BETTER
    return WORSE if difference.high < 0 else NOT_SHOWN


def _edits(rows: Sequence[CaseRow]) -> dict[str, int]:
    chosen = [row for row in rows if row.edit != "none"]
    return {
        "tried": sum(row.edits_tried for row in rows),
        "applied": sum(row.edit == "applied" for row in chosen),
        "suggested": sum(row.edit == "suggested" for row in chosen),
        "made_right": sum(row.is_right_after and not row.is_right for row in chosen),
        "made_wrong": sum(row.is_right and not row.is_right_after for row in chosen),
    }


def _as_json(interval: Interval | None) -> dict[str, float] | None:
    return interval.as_json() if interval else None
