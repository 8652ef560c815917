"""Which patterns have had their day, and why. Pure: judges, and changes nothing.

The rules are one table. A pattern is retired for the first rule that it breaks. Quarantine is no matter of this
module: the records set it when nodes built on a pattern fail twice in a row.
"""

import ast
import heapq
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from omniclaude_dagster.patterns.model import MIN_QUALITY, PatternStatus, StoredPattern
from omniclaude_dagster.request.model import NodeKind


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at. `quality_score`: of the nodes built on it, once there are enough; else its own."""

    pattern_id: UUID
    name: str
    status: PatternStatus
    node_kind: NodeKind
    systems: tuple[str, ...]
    core_version: str
    is_generated_here: bool
    is_parsable: bool
    quality_score: float
    success_rate: float
    usage_count: int
    consecutive_failures: int
    created_at: datetime
    last_used: datetime | None

    @property
    def fresh_at(self) -> datetime:
        """The later of creation and last use."""
        return max(self.created_at, self.last_used or self.created_at)


@dataclass(frozen=True)
class Surroundings:
    """What a pattern is judged against. `core_since`: when the first pattern of today's core was generated here."""

    now: datetime
    core_version: str
    core_since: datetime | None

    def days_since(self, moment: datetime) -> float:
        """Days from then till now."""
        return (self.now - moment).total_seconds() / 86_400


@dataclass(frozen=True)
class Rule:
    """One reason to retire a pattern. `spares_best`: how many of a kind and its systems are kept all the same.

    `reason` is filled with the thresholds, the facts and what they are judged against.
    """

    name: str
    is_broken: Callable[[Facts, Surroundings, Mapping[str, float]], bool]
    reason: str
    thresholds: Mapping[str, float] = field(default_factory=dict)
    spares_best: int = 0

    def reason_for(self, facts: Facts, around: Surroundings) -> str:
        """The sentence for this pattern."""
        age = around.days_since(facts.fresh_at)
        return self.reason.format(facts=facts, around=around, age_days=age, **self.thresholds)


@dataclass(frozen=True)
class Pruning:
    """A pattern to retire, and the rule it breaks."""

    pattern_id: UUID
    name: str
    status: PatternStatus
    rule: str
    reason: str


MIN_USES = 5
RULES: tuple[Rule, ...] = (
    Rule(
        "broken_code",
        lambda facts, _around, _limits: not facts.is_parsable,
        "its code no longer parses",
    ),
    Rule(
        "superseded",
        lambda facts, around, _limits: _is_superseded(facts, around),
        "made for omnibase-core {facts.core_version}, today's is {around.core_version}; not used with success since",
    ),
    Rule(
        "low_success",
        lambda facts, _around, limits: (
            facts.usage_count >= limits["min_uses"] and facts.success_rate < limits["min_success_rate"]
        ),
        "success rate {facts.success_rate:.2f} after {facts.usage_count} uses; at least {min_success_rate} is wanted",
        {"min_uses": MIN_USES, "min_success_rate": 0.5},
    ),
    Rule(
        "low_quality",
        lambda facts, _around, limits: facts.quality_score < limits["min_quality"],
        "quality {facts.quality_score:.4f}; at least {min_quality} is wanted",
        {"min_quality": MIN_QUALITY},
    ),
    Rule(
        "age",
        lambda facts, around, limits: around.days_since(facts.fresh_at) > limits["max_idle_days"],
        "neither made nor used in the last {age_days:.0f} days; {max_idle_days} are allowed, "
        "except for the best of a kind",
        {"max_idle_days": 180},
        spares_best=3,
    ),
)


def to_retire(patterns: Iterable[StoredPattern], *, core_version: str, now: datetime) -> tuple[Pruning, ...]:
    """The patterns that break a rule, in the order of `patterns`. Reads them once; retired ones are left alone.

    `core_version` is that of today's profile (`contracts.profile`).
    """
    judged = [facts_of(stored) for stored in patterns if stored.status != "retired"]
    around = Surroundings(now, core_version, _core_since(judged, core_version))
    broken: dict[UUID, Rule] = {}
    for rule in RULES:
        remaining = [facts for facts in judged if facts.pattern_id not in broken]
        spared = _best(remaining, rule.spares_best)
        for facts in remaining:
            if facts.pattern_id not in spared and rule.is_broken(facts, around, rule.thresholds):
                broken[facts.pattern_id] = rule
    return tuple(_pruning(f, broken[f.pattern_id], around) for f in judged if f.pattern_id in broken)


def facts_of(stored: StoredPattern) -> Facts:
    """What the rules look at; the large rest of a pattern can be let go."""
    pattern = stored.pattern
    is_proven = stored.usage_count >= MIN_USES
    return Facts(
        pattern_id=pattern.pattern_id,
        name=pattern.name,
        status=stored.status,
        node_kind=pattern.node_kind,
        systems=tuple(sorted(pattern.systems)),
        core_version=pattern.core_version,
        is_generated_here=pattern.source == "generation",
        is_parsable=_is_parsable(pattern.code),
        quality_score=stored.average_quality_score if is_proven else pattern.quality_score,
        success_rate=stored.success_rate,
        usage_count=stored.usage_count,
        consecutive_failures=stored.consecutive_failures,
        created_at=pattern.created_at,
        last_used=stored.last_used,
    )


def _pruning(facts: Facts, rule: Rule, around: Surroundings) -> Pruning:
    return Pruning(facts.pattern_id, facts.name, facts.status, rule.name, rule.reason_for(facts, around))


def _is_superseded(facts: Facts, around: Surroundings) -> bool:
    if _minor(facts.core_version) == _minor(around.core_version):
        return False
    # Without a time at which today's core began, every successful use counts.
    is_used_since = facts.last_used is not None and (around.core_since is None or facts.last_used >= around.core_since)
    return not (is_used_since and facts.consecutive_failures == 0)


def _core_since(judged: Sequence[Facts], core_version: str) -> datetime | None:
    minor = _minor(core_version)
    made = (facts.created_at for facts in judged if facts.is_generated_here and _minor(facts.core_version) == minor)
    return min(made, default=None)


def _minor(version: str) -> tuple[str, ...]:
    """`0.47.57` -> `("0", "47")`."""
    return tuple(version.split(".")[:2])


def _best(judged: Iterable[Facts], count: int) -> set[UUID]:
    """The best active ones of each kind with the same systems."""
    groups: dict[tuple[NodeKind, tuple[str, ...]], list[Facts]] = {}
    if count:
        for facts in judged:
            if facts.status == "active":
                groups.setdefault((facts.node_kind, facts.systems), []).append(facts)
    return {facts.pattern_id for group in groups.values() for facts in heapq.nlargest(count, group, key=_merit)}


def _merit(facts: Facts) -> tuple[float, float, int, datetime, UUID]:
    return facts.success_rate, facts.quality_score, facts.usage_count, facts.fresh_at, facts.pattern_id


def _is_parsable(code: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True
