"""What the cases of a run of `bench quorum` amount to, as one JSON-able object. Pure.

Three groups of cases: all; those that the gates can tell (wrong ones that a gate fails, and right ones that were
judged with tests or examples of their own); those that they cannot, where a seat has something to add.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from omniclaude_dagster.benchmark.quorum_effect import effect_of
from omniclaude_dagster.benchmark.quorum_figures import Opinion, figures_of
from omniclaude_dagster.benchmark.quorum_row import CaseRow, RecordedBallot
from omniclaude_dagster.quorum.model import Decision, Panel
from omniclaude_dagster.stages.model import NANOUSD_PER_USD

UNTESTED = "untested"
DECISIONS: tuple[Decision, ...] = ("apply", "suggest", "block")
_MAX_REASONS = 5
_MAX_REASON_CHARS = 110
# What a reason to abstain says, by what stands in it; the first that fits counts.
_ABSTENTIONS: Mapping[str, str] = {
    "contradicts the score": "its verdict contradicts its score",
    "malformed answer": "the answer is no ballot",
    "has voted already": "its model votes for another seat",
    "is asked for seat": "its model votes for another seat",
    "no answer within": "too late",
    ": timeout": "too late",
    "no time left": "too late",
    ": truncated": "the answer is cut",
    ": invalid_json": "the answer is no ballot",
    "is left out": "its model is not configured",
    "budget is spent": "the budget is spent",
}

# What keeps figures honest: a panel that is no better than these is worth nothing.
BASELINES: Mapping[str, Callable[[CaseRow], float]] = {
    "always approve": lambda _: 1.0,
    "coin": lambda row: float(hashlib.sha256(row.case.encode()).digest()[0] % 2),
    "gates only": lambda row: float(row.is_passed_by_gates),
    "quality score": lambda row: row.quality_score,
}
_OF_GATES = frozenset({"gates only", "quality score"})


def summary_of(rows: Sequence[CaseRow], panel: Panel, *, has_gates: bool = True) -> dict[str, Any]:
    """The figures of a run. `rows` in a fixed order, because intervals are resampled by it.

    `has_gates` False: nothing is known of gates and hidden tests, as of votes from the records; then there are
    neither their baselines nor an effect.
    """
    used = [row for row in rows if row.is_usable]
    groups = _groups(used) if has_gates else {"all cases": used}
    return {
        "panel": panel_as_json(panel),
        "cases": len(used),
        "right": sum(row.is_right for row in used),
        "wrong": sum(not row.is_right for row in used),
        "families": {family: _decided(used, family) for family in sorted({row.family for row in used})},
        "unusable": _top(row.unusable for row in rows if row.unusable),
        "without_votes": sum(not row.has_votes for row in rows),
        "groups": {name: _group(group, panel, has_gates=has_gates) for name, group in groups.items() if group},
        "decisions": _decisions(used),
        "effect": effect_of(used) if has_gates else None,
    }


def panel_as_json(panel: Panel) -> dict[str, Any]:
    """Who votes with which weight, and what votes must reach."""
    return {
        "name": panel.name,
        "seats": [{"name": s.name, "weight": s.weight, "models": list(s.models)} for s in panel.seats],
        "thresholds": vars(panel.thresholds),
    }


def is_untested(row: CaseRow) -> bool:
    """Whether nothing but a reader can tell: judged without tests and examples, or wrong and passed by every gate."""
    return row.family.startswith(UNTESTED) or (not row.is_right and row.is_passed_by_gates)


def abstention_kind(reason: str) -> str:
    """A reason to abstain in words that can be counted."""
    return next((kind for part, kind in _ABSTENTIONS.items() if part in reason), reason)


def _groups(rows: Sequence[CaseRow]) -> dict[str, list[CaseRow]]:
    unseen = [row for row in rows if is_untested(row)]
    if any(row.is_right for row in unseen):
        seen = [row for row in rows if not is_untested(row)]
    else:
        # Every case is one that the gates pass, right ones too: nothing to tell apart from the rest.
        unseen, seen = [], []
    return {"all cases": list(rows), "gates can tell": seen, "gates cannot tell": unseen}


def _group(rows: Sequence[CaseRow], panel: Panel, *, has_gates: bool) -> dict[str, Any]:
    bounds = (panel.thresholds.suggest, panel.thresholds.apply)
    voted = [Opinion(row.group, row.score, row.is_right) for row in rows if row.score is not None]
    return {
        "cases": len(rows),
        "seats": {seat.name: _seat(rows, seat.name, bounds) for seat in panel.seats},
        "panel": {
            **figures_of(voted, thresholds=bounds),
            "abstentions": len(rows) - len(voted),
            "participation": _mean([row.participation for row in rows]),
        },
        "baselines": {
            name: figures_of([Opinion(r.group, score(r), r.is_right) for r in rows], thresholds=bounds)
            for name, score in BASELINES.items()
            if has_gates or name not in _OF_GATES
        },
    }


def _seat(rows: Sequence[CaseRow], seat: str, bounds: Sequence[float]) -> dict[str, Any]:
    found = [(row, ballot) for row in rows for ballot in row.ballots if ballot.seat == seat]
    opinions = [Opinion(row.group, b.score, row.is_right) for row, b in found if b.score is not None]
    abstained = [b.abstained_because for _, b in found if b.score is None]
    return {
        **figures_of(opinions, thresholds=bounds),
        "asked": len(found),
        "abstentions": len(abstained),
        "abstained_because": _top(map(abstention_kind, abstained)),
        "models": dict(Counter(b.model for _, b in found if b.model and b.score is not None).most_common()),
        **_price([b for _, b in found]),
    }


def _price(ballots: Sequence[RecordedBallot]) -> dict[str, float | None]:
    return {
        "mean_latency_ms": _mean([b.latency_ms for b in ballots if b.score is not None]),
        "mean_cost_usd": _mean([b.cost_usd for b in ballots], digits=9),
        "cost_usd": sum(b.cost_nanousd for b in ballots) / NANOUSD_PER_USD,
    }


def _decisions(rows: Sequence[CaseRow]) -> dict[str, dict[str, int]]:
    counts = Counter((row.decision, row.is_right) for row in rows)
    return {d: {"right": counts[d, True], "wrong": counts[d, False]} for d in DECISIONS}


def _decided(rows: Sequence[CaseRow], family: str) -> dict[str, int]:
    counts = Counter(row.decision for row in rows if row.family == family)
    return {"cases": counts.total(), **{decision: counts[decision] for decision in DECISIONS}}


def _top(values: Any) -> list[dict[str, Any]]:
    found = Counter(value[:_MAX_REASON_CHARS] for value in values)
    return [{"what": what, "count": count} for what, count in found.most_common(_MAX_REASONS)]


def _mean(values: Sequence[float], *, digits: int = 4) -> float | None:
    return round(math.fsum(values) / len(values), digits) if values else None
