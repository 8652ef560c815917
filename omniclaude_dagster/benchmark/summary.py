"""What the rows of a run amount to, as one JSON-able object. Pure.

pass@1 is given three times, because a node that needs review is neither delivered nor nothing:
    published      the node was published, and its body passes every hidden test: what a user gets without a look
    if_delivered   bodies that were delivered for review count too
    any_body       the last refused answer counts too: what the models could do
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from omniclaude_dagster.benchmark.ledger import RunHeader
from omniclaude_dagster.benchmark.row import SampleRow
from omniclaude_dagster.stages.model import NANOUSD_PER_USD
from omniclaude_dagster.statistics import (
    Interval,
    auroc_by_task,
    auroc_with_interval,
    histogram,
    mean_with_interval,
    pass_at_k,
    quantiles,
    wilson,
)

TOP = 5
_MAX_KIND_CHARS = 110
Verdict = Callable[[SampleRow], bool]


def summary_of(rows: Sequence[SampleRow], header: RunHeader) -> dict[str, Any]:
    """The figures of a run."""
    used = [row for row in rows if row.is_usable]
    # A mutant is put in to see whether it is noticed, not to see whether anybody can solve the task.
    solving = [row for row in used if not row.is_mutant]
    return {
        "run_id": header.run_id,
        "settings": dict(header.settings),
        "tasks": len({row.task for row in used}),
        "samples": len(used),
        "unusable_tasks": sorted({f"{row.task}: {row.detail}" for row in rows if not row.is_usable}),
        "left_out_inputs": sum(row.left_out_inputs for row in used if row.sample == 0),
        "pass_at_1": _passes(solving),
        "pass_at_k": _pass_at_k(solving),
        "mutants": _mutants([row for row in used if row.is_mutant]),
        "status": _counts(row.status for row in used),
        "body": _counts(row.body for row in used),
        "published_but_wrong": sum(row.body == "published" and not row.is_body_right for row in used),
        "totals": _totals(used),
        "not_published": _top(_kind_of(row.reason) for row in used if row.status != "published"),
        "errors": _top(row.error_class for row in used if row.error_class),
        "auroc": _aurocs(used),
        "quality": _distributions(used),
    }


def _passes(rows: Sequence[SampleRow]) -> dict[str, Any]:
    verdicts: dict[str, Verdict] = {
        "published": lambda row: row.is_passed,
        "if_delivered": lambda row: row.is_passed_if_delivered,
        "any_body": lambda row: row.is_body_right,
        "any_body_base_tests": lambda row: row.is_body_right_on_base,
    }
    return {name: _share(rows, verdict) for name, verdict in verdicts.items()}


def _share(rows: Sequence[SampleRow], verdict: Verdict) -> dict[str, Any] | None:
    """Wilson's interval for one sample a task; else over tasks, because samples of one are not independent."""
    passed = sum(map(verdict, rows))
    by_task = list(_by_task(rows).values())
    if len(by_task) == len(rows):
        interval = wilson(passed, len(rows))
    else:
        interval = mean_with_interval([sum(map(verdict, group)) / len(group) for group in by_task])
    return None if interval is None else {**interval.as_json(), "passed": passed, "of": len(rows)}


def _pass_at_k(rows: Sequence[SampleRow]) -> dict[str, Any]:
    """Unbiased pass@k of what was published, for k = 2, 4, 8, ... and the number of samples."""
    groups = list(_by_task(rows).values())
    most = min((len(group) for group in groups), default=0)
    sizes = sorted({*(2**n for n in range(1, 10) if 2**n <= most), most} - {0, 1})
    found: dict[str, Any] = {}
    for k in sizes:
        values = [pass_at_k(len(g), sum(row.is_passed for row in g), k) for g in groups]
        interval = mean_with_interval([v for v in values if v is not None])
        found[str(k)] = None if interval is None else interval.as_json()
    return found


def _mutants(rows: Sequence[SampleRow]) -> dict[str, int]:
    """What became of solutions that were changed. `equivalent`: no hidden test tells them from the original."""
    wrong = [row for row in rows if not row.is_body_right]
    return {
        "count": len(rows),
        "equivalent": len(rows) - len(wrong),
        "wrong": len(wrong),
        "wrong_published": sum(row.body == "published" for row in wrong),
        "wrong_for_review": sum(row.body == "review" for row in wrong),
        "wrong_refused": sum(row.body in {"refused", "none"} for row in wrong),
    }


def _totals(rows: Sequence[SampleRow]) -> dict[str, Any]:
    durations = [row.duration_ms / 1000 for row in rows]
    return {
        "cost_usd": sum(row.cost_nanousd for row in rows) / NANOUSD_PER_USD,
        "generation_s": round(sum(durations), 1),
        "generation_s_quantiles": quantiles(durations),
        "judging_s": round(sum(row.judge_ms for row in rows) / 1000, 1),
        "tokens_input": sum(row.tokens_input for row in rows),
        "tokens_output": sum(row.tokens_output for row in rows),
        "calls": dict(sum((Counter(row.calls) for row in rows), Counter())),
        "failed_calls": sum(row.failed_calls for row in rows),
        "unrecorded_calls": sum(row.unrecorded_calls for row in rows),
        "escalated_samples": sum(row.escalations > 0 for row in rows),
        "escalations": sum(row.escalations for row in rows),
    }


def _aurocs(rows: Sequence[SampleRow]) -> dict[str, Any]:
    """Whether the quality score tells right bodies from wrong ones, among several kinds of bodies."""
    with_body = [row for row in rows if row.body != "none"]
    groups = {
        "all_bodies": with_body,
        "delivered": [row for row in with_body if row.body in {"published", "review"}],
        "passing_visible_examples": [row for row in with_body if row.passes_visible],
        "without_visible_examples": [row for row in with_body if row.visible_examples == 0],
    }
    return {name: _auroc(group) for name, group in groups.items()}


def _auroc(rows: Sequence[SampleRow]) -> dict[str, Any]:
    right = [row.quality_score for row in rows if row.is_body_right]
    wrong = [row.quality_score for row in rows if not row.is_body_right]
    counts: dict[str, Any] = {"right": len(right), "wrong": len(wrong)}
    if not right or not wrong:
        missing = "bodies" if not right and not wrong else "right body" if not right else "wrong body"
        return {**counts, "value": None, "note": f"not determined: no {missing}"}
    by_task = _by_task(rows)
    if len(by_task) == len(rows):
        interval: Interval | None = auroc_with_interval(right, wrong)
        method = "DeLong"
    else:
        groups = [
            ([r.quality_score for r in g if r.is_body_right], [r.quality_score for r in g if not r.is_body_right])
            for g in by_task.values()
        ]
        interval, method = auroc_by_task(groups), "bootstrap over tasks"
    return {**counts, **(interval.as_json() if interval else {"value": None}), "interval": method}


def _distributions(rows: Sequence[SampleRow]) -> dict[str, Any]:
    found = {}
    for name, is_right in (("right", True), ("wrong", False)):
        scores = [row.quality_score for row in rows if row.body != "none" and row.is_body_right == is_right]
        found[name] = {**quantiles(scores), "histogram": histogram(scores)}
    return found


def _by_task(rows: Sequence[SampleRow]) -> dict[str, list[SampleRow]]:
    groups: dict[str, list[SampleRow]] = {}
    for row in rows:
        groups.setdefault(row.task, []).append(row)
    return groups


def _counts(values: Any) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _top(values: Any) -> list[dict[str, Any]]:
    return [{"what": what, "count": count} for what, count in Counter(values).most_common(TOP)]


def _kind_of(reason: str) -> str:
    """A reason without what differs from task to task: names and numbers."""
    _, found, last = reason.partition("(last: ")
    text = last if found else reason
    text = re.sub(r"'[^']*'|`[^`]*`", "...", text)
    text = re.sub(r"\d+(?:\.\d+)?", "N", text)
    return " ".join(text.split())[:_MAX_KIND_CHARS] or "no reason given"
