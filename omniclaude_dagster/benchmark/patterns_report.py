"""What the rows of `bench patterns` amount to, as one JSON-able object. Pure.

Every figure compares the same task with and without the library. The first of `passed` is the one that the benchmark
was made for; the others explain it, and are not corrected for being several.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from omniclaude_dagster.benchmark.ledger import RunHeader
from omniclaude_dagster.benchmark.patterns_row import ARMS, ArmRow
from omniclaude_dagster.benchmark.patterns_statistics import PairedShares, paired_means
from omniclaude_dagster.patterns.model import ROLES
from omniclaude_dagster.stages.model import NANOUSD_PER_USD
from omniclaude_dagster.statistics import quantiles

# Only tasks whose nearest neighbour in the store half is less similar than this; None: all of them.
SIMILARITY_LIMITS = (None, 0.9, 0.8, 0.7)
_PASSED: dict[str, Callable[[ArmRow], bool]] = {
    "hidden_tests_published": lambda row: row.is_passed,
    "hidden_tests_any_body": lambda row: row.is_body_right,
    "published": lambda row: row.status == "published",
    "published_but_wrong": lambda row: row.body == "published" and not row.is_body_right,
}
_MEASURED: dict[str, Callable[[ArmRow], float]] = {
    "quality_score": lambda row: row.quality_score,
    "model_calls": lambda row: float(sum(row.calls.values())),
    "tokens_input": lambda row: float(row.tokens_input),
    "tokens_output": lambda row: float(row.tokens_output),
    "cost_usd": lambda row: row.cost_nanousd / NANOUSD_PER_USD,
    "generation_s": lambda row: row.duration_ms / 1000,
}
type Pair = tuple[ArmRow, ArmRow]


def report_of(rows: Sequence[ArmRow], header: RunHeader) -> dict[str, Any]:
    """The figures of a run."""
    usable = [row for row in rows if row.is_usable]
    pairs = _pairs(usable)
    return {
        "run_id": header.run_id,
        "settings": dict(header.settings),
        "pairs": len(pairs),
        "unusable_tasks": sorted({f"{row.task}: {row.detail}" for row in rows if not row.is_usable}),
        "passed": _passed(pairs),
        "visible_examples": _shares([p for p in pairs if all(row.visible_examples for row in p)], _passes_visible),
        "measured": {name: _means(pairs, value) for name, value in _MEASURED.items()},
        "by_similarity": [_below(pairs, limit) for limit in SIMILARITY_LIMITS],
        "by_use": _by_use(pairs),
        "patterns": _patterns([row for row, _ in pairs]),
        "status": {arm: dict(Counter(r.status for r in usable if r.arm == arm).most_common()) for arm in ARMS},
        "origin": {arm: dict(Counter(r.origin for r in usable if r.arm == arm).most_common()) for arm in ARMS},
        "calls": {arm: _calls([r for r in usable if r.arm == arm]) for arm in ARMS},
        "unrecorded_calls": sum(row.unrecorded_calls for row in usable),
    }


def _pairs(rows: Sequence[ArmRow]) -> list[Pair]:
    """(with, without) of every task that has both."""
    arms = {arm: {row.task: row for row in rows if row.arm == arm} for arm in ARMS}
    return [(row, arms["without"][task]) for task, row in sorted(arms["with"].items()) if task in arms["without"]]


def _passed(pairs: Sequence[Pair]) -> dict[str, Any]:
    return {name: _shares(pairs, verdict) for name, verdict in _PASSED.items()}


def _shares(pairs: Sequence[Pair], verdict: Callable[[ArmRow], bool]) -> dict[str, Any]:
    return PairedShares.of([(verdict(ours), verdict(theirs)) for ours, theirs in pairs]).as_json()


def _means(pairs: Sequence[Pair], value: Callable[[ArmRow], float]) -> dict[str, Any]:
    return paired_means([(value(ours), value(theirs)) for ours, theirs in pairs])


def _passes_visible(row: ArmRow) -> bool:
    return row.passes_visible


def _below(pairs: Sequence[Pair], limit: float | None) -> dict[str, Any]:
    kept = [pair for pair in pairs if limit is None or pair[0].nearest < limit]
    return {"nearest_below": limit, **_shares(kept, _PASSED["hidden_tests_published"])}


def _by_use(pairs: Sequence[Pair]) -> dict[str, Any]:
    """The same comparison apart for tasks whose body is a pattern's, whose models saw one, and the others."""
    groups: dict[str, list[Pair]] = {"reused": [], "shown": [], "neither": []}
    for pair in pairs:
        use = "reused" if pair[0].is_reused else "shown" if pair[0].is_shown else "neither"
        groups[use].append(pair)
    return {
        use: {
            **_shares(group, _PASSED["hidden_tests_published"]),
            "published_but_wrong_with": sum(_PASSED["published_but_wrong"](ours) for ours, _ in group),
        }
        for use, group in groups.items()
    }


def _patterns(rows: Sequence[ArmRow]) -> dict[str, Any]:
    """How often patterns were found and what came of them; similarities as the ranking counts them."""
    notes = [note for row in rows for note in row.patterns]
    similarity = {
        role: quantiles([note.meaning for note in notes if note.role == role and note.meaning is not None])
        for role in ROLES
    }
    return {
        "tasks": len(rows),
        "tasks_with_offers": sum(bool(row.patterns) for row in rows),
        "tasks_shown": sum(row.is_shown for row in rows),
        "tasks_reused": sum(row.is_reused for row in rows),
        "roles": {role: count for role in ROLES if (count := sum(note.role == role for note in notes))},
        "similarity": {role: found for role, found in similarity.items() if found["count"]},
        "nearest": quantiles([row.nearest for row in rows]),
    }


def _calls(rows: Sequence[ArmRow]) -> dict[str, Any]:
    by_model: Counter[str] = Counter()
    for row in rows:
        by_model.update(row.calls)
    return {
        "by_model": dict(by_model),
        "failed": sum(row.failed_calls for row in rows),
        "escalated_tasks": sum(row.escalations > 0 for row in rows),
    }
