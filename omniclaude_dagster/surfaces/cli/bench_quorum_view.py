"""How the figures of `bench quorum` look to a person. Decides nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from omniclaude_dagster.surfaces.cli.console import plain
from omniclaude_dagster.surfaces.cli.render import money

_DECISIONS = ("apply", "suggest", "block")


def summary_view(console: Console, summary: Mapping[str, Any]) -> None:
    """Seats, panel and baselines by group of cases; calibration; decisions; what stage 5.5 changes."""
    settings, panel = summary["settings"], summary["panel"]
    line = (
        f" on {plain(settings['data'])}: {summary['cases']} cases, {summary['right']} right, {summary['wrong']} wrong"
    )
    facts = "" if settings.get("facts", True) else "; seats see no facts of the gates"
    console.print(Text.assemble((f"panel {plain(panel['name'])}", "bold"), line, facts), soft_wrap=True)
    for name, group in summary["groups"].items():
        _figures(console, name, group, panel)
    everything = summary["groups"].get("all cases")
    if everything is not None:
        _asked(console, everything)
        _reliability(console, everything)
    _decisions(console, summary)
    if summary["effect"] is not None:
        _effect(console, summary["effect"])
    for entry in summary["unusable"]:
        console.print(Text(f"not used: {entry['count']} x {plain(entry['what'])}", style="yellow"), soft_wrap=True)
    if summary["without_votes"]:
        missing = f"{summary['without_votes']} cases have no recorded votes: these figures are not those of a whole run"
        console.print(Text(missing, style="red"), soft_wrap=True)
    for key in ("results", "votes"):
        if summary.get(key):
            console.print(Text(f"{key}: {plain(summary[key])}"), soft_wrap=True)


def _figures(console: Console, name: str, group: Mapping[str, Any], panel: Mapping[str, Any]) -> None:
    low, high = (f"{panel['thresholds'][key]:.2f}" for key in ("suggest", "apply"))
    table = _table(
        f"{name} ({group['cases']})", "weight", "votes", f"acc. {low}", f"acc. {high}", "Brier", "AUROC", "ECE"
    )
    weights = {seat["name"]: f"{seat['weight']:g}" for seat in panel["seats"]}
    for seat, found in group["seats"].items():
        table.add_row(plain(seat), weights[seat], *_cells(found, (low, high)))
    table.add_row("panel", "", *_cells(group["panel"], (low, high)), style="bold")
    for baseline, found in group["baselines"].items():
        table.add_row(baseline, "", *_cells(found, (low, high)), style="dim")
    console.print(table)


def _cells(found: Mapping[str, Any], bounds: Sequence[str]) -> list[str]:
    ece = "-" if found["ece"] is None else f"{found['ece']:.3f}"
    accuracies = [_percent(found["accuracy"][bound]) for bound in bounds]
    return [str(found["votes"]), *accuracies, _number(found["brier"]), _number(found["auroc"]), ece]


def _asked(console: Console, group: Mapping[str, Any]) -> None:
    table = _table("seat", "asked", "voted", "abstained", "mean s", "cost", "models that voted")
    for seat, found in group["seats"].items():
        latency = found["mean_latency_ms"]
        models = ", ".join(f"{plain(model)} {count}" for model, count in found["models"].items())
        table.add_row(
            plain(seat),
            str(found["asked"]),
            str(found["votes"]),
            str(found["abstentions"]),
            "-" if latency is None else f"{latency / 1000:.2f}",
            money(found["cost_usd"]),
            models or "none",
        )
    console.print(table)
    for seat, found in group["seats"].items():
        for entry in found["abstained_because"]:
            line = f"  {plain(seat)} abstained {entry['count']} x: {plain(entry['what'])}"
            console.print(Text(line), soft_wrap=True)


def _reliability(console: Console, group: Mapping[str, Any]) -> None:
    table = _table("panel's score", "cases", "mean score", "share right")
    for row in group["panel"]["reliability"]:
        bounds = f"{row['low']:.1f} to {row['high']:.1f}"
        table.add_row(bounds, str(row["cases"]), f"{row['mean_score']:.3f}", f"{100 * row['share_right']:.1f} %")
    console.print(table)


def _decisions(console: Console, summary: Mapping[str, Any]) -> None:
    table = _table("decision", "right cases", "wrong cases")
    for decision in _DECISIONS:
        counts = summary["decisions"][decision]
        table.add_row(decision, str(counts["right"]), str(counts["wrong"]))
    console.print(table)
    families = _table("family", "cases", *_DECISIONS)
    for name, counts in summary["families"].items():
        families.add_row(plain(name), str(counts["cases"]), *(str(counts[decision]) for decision in _DECISIONS))
    console.print(families)


def _effect(console: Console, effect: Mapping[str, Any]) -> None:
    table = _table("stage 5.5", "published", "of them right", "95 % interval", "published and right, of all")
    for name in ("without", "with"):
        found = effect[name]
        share = found["published_right"]
        between = f"{100 * share['low']:.1f} to {100 * share['high']:.1f} %" if share else "-"
        all_right = f"{found['right']}/{found['of']}"
        table.add_row(name, str(found["published"]), _percent(share), between, all_right)
    console.print(table)
    console.print(Text(_change(effect), style="bold"), soft_wrap=True)
    edits = effect["edits"]
    lines = [
        f"right ones: {effect['right_blocked']} blocked, {effect['right_for_review']} held for review; "
        f"wrong ones: {effect['wrong_let_through']} let through, {effect['wrong_for_review']} held for review, "
        f"{effect['wrong_blocked']} blocked",
        f"edits: {edits['tried']} executed, {edits['applied']} applied, {edits['suggested']} suggested; "
        f"{edits['made_right']} made a wrong one right, {edits['made_wrong']} a right one wrong",
    ]
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def _change(effect: Mapping[str, Any]) -> str:
    found = effect["published_right_difference"]
    if found is None:
        return f"change by stage 5.5: {effect['verdict']}"
    between = f"{100 * found['low']:+.1f} to {100 * found['high']:+.1f}"
    return f"change by stage 5.5: {100 * found['value']:+.1f} points (95 % interval {between}): {effect['verdict']}"


def _number(found: Mapping[str, float] | None) -> str:
    return "-" if found is None else f"{found['value']:.3f} [{found['low']:.2f}, {found['high']:.2f}]"


def _percent(found: Mapping[str, float] | None) -> str:
    return "-" if found is None else f"{100 * found['value']:.1f} %"


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
