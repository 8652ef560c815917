"""How the figures of `bench patterns` look to a person. Decides nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from omniclaude_dagster.surfaces.cli.console import plain

_PASSED = {
    "hidden_tests_published": "hidden tests passed, published nodes",
    "hidden_tests_any_body": "hidden tests passed, any body",
    "published": "published",
    "published_but_wrong": "published, but wrong",
}
_MEASURED = {
    "quality_score": ("quality", 3),
    "model_calls": ("calls of models", 2),
    "tokens_input": ("tokens in", 0),
    "tokens_output": ("tokens out", 0),
    "cost_usd": ("cost, USD", 6),
    "generation_s": ("generation, s", 2),
}
_USES = {"reused": "body is a pattern's", "shown": "a model saw patterns", "neither": "neither"}


def report_view(console: Console, report: Mapping[str, Any]) -> None:
    """What was compared, the leak check, the differences, and what came of the patterns."""
    settings, split = report["settings"], report["split"]
    title = f" with and without the library on {plain(settings['data'])}: {report['pairs']} tasks, each in both arms"
    console.print(Text.assemble((plain(settings["subject"]), "bold"), title), soft_wrap=True)
    _say(
        console,
        f"{split['store']} tasks fill the library, {split['query']} ask it (seed {settings['seed']}); "
        f"{split['left_out']} left out as too close: {_counted(split['left_out_by_reason'])}",
    )
    _library(console, report["library"])
    _leaks(console, report["leak_check"])
    _shares(console, report)
    _means(console, report["measured"])
    _similarity(console, report["by_similarity"])
    _uses(console, report)
    _say(console, "won/lost: tasks that pass only with, only without the library; p: exact McNemar test")
    _calls(console, report["calls"])
    for line in report["unusable_tasks"]:
        console.print(Text(f"not measured: {plain(line)}", style="yellow"))
    if report["unrecorded_calls"]:
        console.print(
            Text(f"{report['unrecorded_calls']} questions had no recorded answer: these figures are not those of the "
                 "recorded run", style="red")
        )  # fmt: skip
    _say(console, f"results: {plain(report['results'])}")


def _library(console: Console, library: Mapping[str, Any]) -> None:
    _say(
        console,
        f"library: {library['patterns']} patterns of {library['tasks']} solutions ({_counted(library['status'])}; "
        f"{library['published_of_high_quality']} published with high quality, {library['same_code_as_another']} of "
        f"them the same code as another); {library['patterns_failing_their_own_hidden_tests']} patterns fail their own "
        "hidden tests",
    )


def _leaks(console: Console, check: Mapping[str, Any]) -> None:
    looked = check["looked_at"]
    verdict = "nothing found" if check["is_clean"] else f"FOUND: {_counted(check['found'])}"
    _say(
        console,
        f"leak check: {verdict}; looked through {looked['texts']} texts ({looked['characters']} characters) of "
        f"{looked['patterns']} patterns for {looked['solutions']} solutions, {looked['hidden_calls']} hidden calls and "
        f"{looked['expected_values']} expected values ({looked['expected_values_too_short']} more are too short to be "
        f"told from chance), and compared {looked['prompt_pairs']} pairs of prompts; "
        f"{check['values_shown_by_the_own_task']} values stand where the stored task shows them itself",
    )


def _shares(console: Console, report: Mapping[str, Any]) -> None:
    table = _table("share of tasks", "with", "without", "difference", "95 % interval", "won/lost", "p")
    rows = {**{_PASSED[name]: found for name, found in report["passed"].items()}}
    rows["visible examples passed"] = report["visible_examples"]
    for label, found in rows.items():
        table.add_row(label, *_share_cells(found))
    console.print(table)


def _means(console: Console, measured: Mapping[str, Any]) -> None:
    table = _table("mean a task", "with", "without", "difference", "95 % interval")
    for name, (label, digits) in _MEASURED.items():
        found = measured[name]
        if found["difference"] is None:
            table.add_row(label, "-", "-", "-", "-")
            continue
        value, low, high = (f"{found['difference'][key]:+.{digits}f}" for key in ("value", "low", "high"))
        table.add_row(label, f"{found['with']:.{digits}f}", f"{found['without']:.{digits}f}", value, f"{low} to {high}")
    console.print(table)


def _similarity(console: Console, sweep: Sequence[Mapping[str, Any]]) -> None:
    table = _table("nearest stored prompt", "tasks", "with", "without", "difference", "95 % interval", "won/lost", "p")
    for found in sweep:
        limit = found["nearest_below"]
        label = "any similarity" if limit is None else f"similarity below {limit}"
        table.add_row(label, str(found["pairs"]), *_share_cells(found))
    console.print(table)


def _uses(console: Console, report: Mapping[str, Any]) -> None:
    table = _table("use of patterns", "tasks", "with", "without", "difference", "95 % interval", "won/lost", "p")
    for use, label in _USES.items():
        found = report["by_use"][use]
        table.add_row(label, str(found["pairs"]), *_share_cells(found))
    console.print(table)
    patterns = report["patterns"]
    similar = "; ".join(
        f"{role} {found['count']} (similarity {found['p50']:.2f} in the middle)"
        for role, found in patterns["similarity"].items()
    )
    reused = report["by_use"]["reused"]
    _say(
        console,
        f"patterns were found for {patterns['tasks_with_offers']} of {patterns['tasks']} tasks: {similar or 'none'}; "
        f"reused, published and wrong: {reused['published_but_wrong_with']}",
    )


def _calls(console: Console, calls: Mapping[str, Any]) -> None:
    """Calls of both arms: one that failed, by a timeout for example, is an answer that an arm did not get."""
    shown = [
        f"{arm} {sum(found['by_model'].values())} ({found['failed']} failed)" for arm, found in sorted(calls.items())
    ]
    _say(console, f"calls of models: {', '.join(shown)}")


def _share_cells(found: Mapping[str, Any]) -> tuple[str, ...]:
    difference = found["difference"]
    if difference is None:
        return "-", "-", "-", "-", "-", "-"
    points, low, high = (f"{100 * difference[key]:+.1f}" for key in ("value", "low", "high"))
    return (
        f"{100 * found['with']:.1f} %",
        f"{100 * found['without']:.1f} %",
        points,
        f"{low} to {high}",
        f"{found['only_with']}/{found['only_without']}",
        f"{found['p_value']:.3f}",
    )


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count) or "none"


def _say(console: Console, line: str) -> None:
    console.print(Text(line), soft_wrap=True)


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
