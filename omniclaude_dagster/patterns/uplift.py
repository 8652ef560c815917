"""What patterns are worth: requests that were offered some against those that were held out. Pure; prints nothing.

Intention to treat: only generations for which something was found are compared, and a request counts on the side it
was put on, whatever became of the offer. Of several generations of one request the first counts: later ones are no
independent samples, and may have found the pattern of the first. The differences are offered less held out, each with a
95 % interval (`differences.py`); below 30 requests a side no interval is given.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import fmean
from typing import Any
from uuid import UUID

from omniclaude_dagster.patterns.differences import binomial_p_value, mean_difference, share_difference
from omniclaude_dagster.patterns.holdout import is_held_out
from omniclaude_dagster.patterns.model import ReuseRole
from omniclaude_dagster.statistics import Interval

MIN_PER_SIDE = 30
# A split this unlikely is taken for a fault, not for luck (Kohavi, Tang & Xu 2020, chapter 21).
RATIO_ALARM = 0.001
_NANOUSD_PER_USD = 1_000_000_000


@dataclass(frozen=True)
class TrialRow:
    """What came of one pattern in one generation, and what came of the generation."""

    correlation_id: UUID
    request_id: str
    role: ReuseRole
    is_success: bool
    quality_score: float
    cost_nanousd: int
    model_calls: int
    timestamp: datetime
    # Empty where it is not known.
    node_kind: str = ""
    # False for a pattern whose code the generation came to without stage 1.5 having found it.
    is_found: bool = True


@dataclass(frozen=True)
class Trial:
    """One request: its first generation for which something was found, and its side."""

    request_id: str
    is_held_out: bool
    is_success: bool
    quality_score: float
    cost_usd: float
    model_calls: int
    node_kind: str


@dataclass(frozen=True)
class Contrast:
    """One measure on both sides. `difference` is None where there is none to be had; `note` says why."""

    measure: str
    offered: float | None
    held_out: float | None
    difference: Interval | None
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """Both sides in all measures. Counts are requests."""

    offered_count: int
    held_out_count: int
    contrasts: tuple[Contrast, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        shown = {contrast.measure: contrast.as_json() for contrast in self.contrasts}
        return {"offered_count": self.offered_count, "held_out_count": self.held_out_count, "measures": shown}


@dataclass(frozen=True)
class RatioCheck:
    """Whether as many requests were held out as should have been.

    `moved_count`: requests on another side than today's share would put them: the share was changed since.
    """

    expected_share: float
    observed_share: float | None
    p_value: float | None
    moved_count: int

    @property
    def is_suspicious(self) -> bool:
        """Whether the sides cannot be trusted to differ in the patterns alone."""
        return self.p_value is not None and self.p_value < RATIO_ALARM

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(self), "is_suspicious": self.is_suspicious}


@dataclass(frozen=True)
class Uplift:
    """The whole report. `generation_count` counts repeated generations of one request too."""

    generation_count: int
    overall: Comparison
    by_kind: Mapping[str, Comparison]
    ratio: RatioCheck

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "generation_count": self.generation_count,
            "overall": self.overall.as_json(),
            "by_kind": {kind: comparison.as_json() for kind, comparison in self.by_kind.items()},
            "sample_ratio": self.ratio.as_json(),
        }


def uplift(rows: Iterable[TrialRow], *, share: float) -> Uplift:
    """Compare the sides. `share` is the part of all requests that should be held out."""
    generations = _generations(rows)
    trials = _first_of_each_request(generations)
    kinds = sorted({trial.node_kind for trial in trials if trial.node_kind})
    return Uplift(
        generation_count=len(generations),
        overall=_comparison(trials),
        by_kind={kind: _comparison([t for t in trials if t.node_kind == kind]) for kind in kinds},
        ratio=_ratio(trials, share=share),
    )


def _generations(rows: Iterable[TrialRow]) -> list[list[TrialRow]]:
    """The rows of each generation for which something was found, the oldest generation first."""
    found: dict[UUID, list[TrialRow]] = {}
    for row in rows:
        if row.is_found:
            found.setdefault(row.correlation_id, []).append(row)
    return sorted(found.values(), key=lambda same: (min(row.timestamp for row in same), same[0].correlation_id))


def _first_of_each_request(generations: Iterable[Sequence[TrialRow]]) -> list[Trial]:
    found: dict[str, Trial] = {}
    for rows in generations:
        first = rows[0]
        found.setdefault(
            first.request_id,
            Trial(
                request_id=first.request_id,
                is_held_out=any(row.role == "held_out" for row in rows),
                is_success=first.is_success,
                quality_score=first.quality_score,
                cost_usd=first.cost_nanousd / _NANOUSD_PER_USD,
                model_calls=first.model_calls,
                node_kind=next((row.node_kind for row in rows if row.node_kind), ""),
            ),
        )
    return list(found.values())


def _comparison(trials: Sequence[Trial]) -> Comparison:
    offered = [trial for trial in trials if not trial.is_held_out]
    held_out = [trial for trial in trials if trial.is_held_out]
    contrasts = (
        _success(offered, held_out),
        _means("quality", [t.quality_score for t in offered], [t.quality_score for t in held_out]),
        _means("cost_usd", [t.cost_usd for t in offered], [t.cost_usd for t in held_out]),
        _means("model_calls", [t.model_calls for t in offered], [t.model_calls for t in held_out]),
    )
    return Comparison(len(offered), len(held_out), contrasts)


def _success(offered: Sequence[Trial], held_out: Sequence[Trial]) -> Contrast:
    ones, others = (sum(trial.is_success for trial in side) for side in (offered, held_out))
    note = _too_few(len(offered), len(held_out))
    difference = None if note else share_difference(ones, len(offered), others, len(held_out))
    return Contrast(
        "success",
        ones / len(offered) if offered else None,
        others / len(held_out) if held_out else None,
        difference,
        note,
    )


def _means(measure: str, offered: Sequence[float], held_out: Sequence[float]) -> Contrast:
    note = _too_few(len(offered), len(held_out))
    difference = None if note else mean_difference(offered, held_out)
    if not note and difference is None:
        note = "no spread: all values of each side are equal"
    return Contrast(
        measure, fmean(offered) if offered else None, fmean(held_out) if held_out else None, difference, note
    )


def _too_few(offered: int, held_out: int) -> str:
    if min(offered, held_out) >= MIN_PER_SIDE:
        return ""
    return f"too few: {offered} offered, {held_out} held out; {MIN_PER_SIDE} of each are needed"


def _ratio(trials: Sequence[Trial], *, share: float) -> RatioCheck:
    held_out = sum(trial.is_held_out for trial in trials)
    return RatioCheck(
        expected_share=share,
        observed_share=held_out / len(trials) if trials else None,
        p_value=binomial_p_value(held_out, len(trials), share=share) if trials else None,
        moved_count=sum(trial.is_held_out != is_held_out(trial.request_id, share=share) for trial in trials),
    )
