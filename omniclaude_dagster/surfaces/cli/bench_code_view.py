"""How the figures of `bench code` look to a person. Decides nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from omniclaude_dagster.surfaces.cli.console import plain
from omniclaude_dagster.surfaces.cli.render import money

_BARS = " ▁▂▃▄▅▆▇█"
_PASSES = {
    "published": "pass@1, published nodes",
    "if_delivered": "pass@1, and those for review",
    "any_body": "any body, also refused ones",
    "any_body_base_tests": "any body, base tests only",
}
_AUROCS = {
    "all_bodies": "all bodies",
    "delivered": "delivered bodies",
    "passing_visible_examples": "passing visible examples",
    "without_visible_examples": "without visible examples",
}


def summary_view(console: Console, summary: Mapping[str, Any]) -> None:
    """Verdicts, the quality score against them, totals, and why nodes were not published."""
    settings = summary["settings"]
    console.print(
        Text.assemble(
            (f"{plain(settings['subject'])}", "bold"),
            f" on {plain(settings['data'])}: {summary['tasks']} tasks, {summary['samples']} samples",
        ),
        soft_wrap=True,
    )
    _passes(console, summary)
    _mutants(console, summary["mutants"])
    _aurocs(console, summary["auroc"])
    _distributions(console, summary["quality"])
    _totals(console, summary)
    _listed(console, "why not published", summary["not_published"])
    _listed(console, "what was wrong with bodies", summary["errors"])
    for line in summary["unusable_tasks"]:
        console.print(Text(f"not measured: {plain(line)}", style="yellow"))
    console.print(Text(f"results: {plain(summary['results'])}"), soft_wrap=True)


def _passes(console: Console, summary: Mapping[str, Any]) -> None:
    table = _table("hidden tests", "share", "95 % interval", "passed")
    for name, label in _PASSES.items():
        found = summary["pass_at_1"][name]
        if found is not None:
            table.add_row(label, _percent(found["value"]), _interval(found), f"{found['passed']}/{found['of']}")
    for k, found in summary["pass_at_k"].items():
        if found is not None:
            table.add_row(f"pass@{k}, published nodes", _percent(found["value"]), _interval(found), "")
    console.print(table)


def _mutants(console: Console, mutants: Mapping[str, int]) -> None:
    if mutants["count"]:
        line = (
            f"mutants: {mutants['wrong']} wrong ({mutants['wrong_refused']} refused, {mutants['wrong_for_review']} "
            f"delivered for review, {mutants['wrong_published']} published), {mutants['equivalent']} equivalent"
        )
        console.print(Text(line), soft_wrap=True)


def _aurocs(console: Console, aurocs: Mapping[str, Any]) -> None:
    table = _table("quality against hidden tests", "AUROC", "95 % interval", "right/wrong")
    for name, label in _AUROCS.items():
        found = aurocs[name]
        value = "-" if found["value"] is None else f"{found['value']:.3f}"
        between = found.get("note") or f"{found['low']:.3f} to {found['high']:.3f}"
        table.add_row(label, value, between, f"{found['right']}/{found['wrong']}")
    console.print(table)


def _distributions(console: Console, quality: Mapping[str, Any]) -> None:
    table = _table("quality of bodies", "count", "mean", "p05", "p25", "p50", "p75", "p95", "0 to 1")
    for name, found in quality.items():
        figures = [f"{found[key]:.3f}" if key in found else "-" for key in ("mean", "p05", "p25", "p50", "p75", "p95")]
        table.add_row(name, str(found["count"]), *figures, _bars(found["histogram"]))
    console.print(table)


def _totals(console: Console, summary: Mapping[str, Any]) -> None:
    totals = summary["totals"]
    calls = ", ".join(f"{plain(model)} {count}" for model, count in totals["calls"].items()) or "none"
    status = ", ".join(f"{count} {name}" for name, count in summary["status"].items())
    lines = [
        f"nodes: {status}; published but wrong: {summary['published_but_wrong']}",
        f"cost {money(totals['cost_usd'])}; generation {totals['generation_s']:.0f} s in all, "
        f"median {totals['generation_s_quantiles'].get('p50', 0):.2f} s; judging {totals['judging_s']:.0f} s",
        f"calls: {calls}; {totals['failed_calls']} failed; tokens {totals['tokens_input']} in, "
        f"{totals['tokens_output']} out; {totals['escalated_samples']} samples went on to another model",
    ]
    for line in lines:
        console.print(Text(line), soft_wrap=True)
    if totals["unrecorded_calls"]:
        console.print(
            Text(
                f"{totals['unrecorded_calls']} questions had no recorded answer: these figures are not those of the "
                "recorded run",
                style="red",
            )
        )


def _listed(console: Console, title: str, entries: Sequence[Mapping[str, Any]]) -> None:
    if not entries:
        return
    console.print(Text(title, style="bold"))
    for entry in entries:
        console.print(Text(f"  {entry['count']:>4}  {plain(entry['what'])}"), soft_wrap=True)


def _bars(counts: Sequence[int]) -> str:
    most = max(counts) or 1
    return "".join(_BARS[0 if not c else max(1, round(c / most * (len(_BARS) - 1)))] for c in counts)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _interval(found: Mapping[str, float]) -> str:
    return f"{100 * found['low']:.1f} to {100 * found['high']:.1f} %"


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
