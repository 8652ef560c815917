"""How well a pattern fits a request: a score of five shares, the least that must fit, and the reasons in words.

Not here: finding candidates (`library.py`), choosing among similar ones (`diversity.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from omniclaude_dagster.patterns.calibration import above
from omniclaude_dagster.patterns.catalogue import Candidates
from omniclaude_dagster.patterns.model import PatternQuery, StoredPattern
from omniclaude_dagster.patterns.similarity import Figures

# Shares of the score. The first four are those of onex.md, section 5, with room made for the fifth.
WEIGHTS: Mapping[str, float] = {"meaning": 0.40, "keywords": 0.25, "quality": 0.15, "success": 0.10, "recency": 0.10}
# After so many days without use a pattern counts half as fresh.
RECENCY_HALF_LIFE_DAYS = 90.0
# What meaning and keywords must reach together, weighed as in the score. Found with the built-in model on pairs of
# requests that do and do not help each other: tests/unit/patterns/test_pattern_relevance.py holds them.
MIN_RELEVANCE = 0.36
# The same where only keywords can be compared.
MIN_KEYWORDS = 0.35
# Finer differences mean nothing, and a backend that keeps vectors in its own way may have them.
DECIMALS = 4
# More than any backend's similarity, or rounding here, is off.
_SLACK = 0.002
_SECONDS_PER_DAY = 86_400.0


@dataclass(frozen=True)
class Scored:
    """One number for each candidate. `parts` in [0, 1] by name, `scores` their weighted sum."""

    parts: Mapping[str, Figures]
    scores: Figures
    is_relevant: NDArray[np.bool_]

    def parts_of(self, place: int) -> dict[str, float]:
        """The parts of one candidate."""
        return {name: float(values[place]) for name, values in self.parts.items()}


def scored(candidates: Candidates, *, meaning: Figures, has_meaning: NDArray[np.bool_], now: datetime) -> Scored:
    """Score candidates. `meaning`: similarity of each with the query; `has_meaning`: whether there is one."""
    age_days = np.maximum(now.timestamp() - candidates.fresh_s, 0.0) / _SECONDS_PER_DAY
    parts = {
        "meaning": np.where(has_meaning, np.clip(meaning, 0.0, 1.0), 0.0),
        "keywords": candidates.keywords,
        "quality": candidates.quality,
        "success": candidates.success,
        "recency": 0.5 ** (age_days / RECENCY_HALF_LIFE_DAYS),
    }
    parts = {name: np.round(values, DECIMALS) for name, values in parts.items()}
    scores = sum((WEIGHTS[name] * values for name, values in parts.items()), np.zeros(len(candidates.ids)))
    return Scored(parts, np.round(scores, DECIMALS), _relevant(parts, has_meaning))


def _relevant(parts: Mapping[str, Figures], has_meaning: NDArray[np.bool_]) -> NDArray[np.bool_]:
    both = WEIGHTS["meaning"] * parts["meaning"] + WEIGHTS["keywords"] * parts["keywords"]
    is_near = both / (WEIGHTS["meaning"] + WEIGHTS["keywords"]) >= MIN_RELEVANCE
    return np.where(has_meaning, is_near, parts["keywords"] >= MIN_KEYWORDS)


def can_be_relevant(candidates: Candidates, *, unsaid: float, baseline: float) -> NDArray[np.bool_]:
    """Which candidates are worth a closer look, by the similarities that the index said.

    `unsaid`: the most that one can have of which the index said none. Never leaves out one that is relevant.
    """
    said = np.where(np.isnan(candidates.nearness), unsaid, candidates.nearness)
    parts = {"meaning": above(baseline, said) + _SLACK, "keywords": candidates.keywords + _SLACK}
    everywhere = np.ones(len(candidates.ids), dtype=np.bool_)
    # One without a vector is judged by its words alone.
    return _relevant(parts, everywhere) | _relevant(parts, ~everywhere)


def is_same_task(stored: StoredPattern, query: PatternQuery) -> bool:
    """Whether the pattern takes and gives fields of the same names and types as the request."""
    is_known = bool(query.inputs or query.outputs)
    pattern = stored.pattern
    return is_known and dict(pattern.inputs) == dict(query.inputs) and dict(pattern.outputs) == dict(query.outputs)


def reasons_for(stored: StoredPattern, parts: Mapping[str, float], query: PatternQuery) -> tuple[str, ...]:
    """Why a pattern is offered, in words."""
    pattern = stored.pattern
    reasons = ["the same fields with the same types"] if is_same_task(stored, query) else []
    if parts["meaning"] > 0:
        reasons.append(f"similar in meaning ({parts['meaning']:.2f})")
    if parts["keywords"] > 0:
        reasons.append(f"words in common ({parts['keywords']:.2f})")
    if query.systems:
        reasons.append(f"uses {', '.join(query.systems)}")
    reasons.append(f"quality {pattern.quality_score:.2f}")
    if stored.usage_count:
        reasons.append(f"used {stored.usage_count} times, success {stored.success_rate:.0%}")
    reasons.append(_age(stored, query.now))
    return tuple(reasons)


def _age(stored: StoredPattern, now: datetime) -> str:
    verb, moment = ("used", stored.last_used) if stored.last_used else ("made", stored.pattern.created_at)
    days = max(0, (now.astimezone(UTC) - moment.astimezone(UTC)).days)
    return f"{verb} today" if days == 0 else f"{verb} {days} day{'s' if days > 1 else ''} ago"
