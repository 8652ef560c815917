"""`omniclaude bench quorum`: how good each seat and the panel are, on cases whose truth is known."""

import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE, EXIT_NOT_PUBLISHED
from omniclaude_dagster.surfaces.cli.console import emit_json, output, say
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption

if TYPE_CHECKING:
    from omniclaude_dagster.benchmark.quorum_measure import Asked
    from omniclaude_dagster.benchmark.quorum_row import CaseRow
    from omniclaude_dagster.settings import Settings
    from omniclaude_dagster.surfaces.cli.bench_progress import BenchProgress

PanelOption = Annotated[str | None, typer.Option("--panel", help="Panel of panel.yaml; default: OMNICLAUDE_PANEL.")]


def bench_quorum(
    *,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="HumanEval+ or MBPP+ tasks: functions that only hidden tests tell apart."),
    ] = None,
    is_from_records: Annotated[
        bool, typer.Option("--from-records", help="Judge the votes in the records whose truth is known; ask nobody.")
    ] = False,
    panel: PanelOption = None,
    cases: Annotated[int, typer.Option(min=4, max=2000, help="How many cases, half of them wrong.")] = 80,
    seed: Annotated[int, typer.Option(help="Chooses the cases.")] = 0,
    has_facts: Annotated[
        bool, typer.Option("--facts/--no-facts", help="Whether seats see what the executed gates found.")
    ] = True,
    votes: Annotated[
        Path | None,
        typer.Option("--votes", help="Ask no model: take the votes of this file, the votes.jsonl of an earlier run."),
    ] = None,
    golden: Annotated[
        Path | None, typer.Option("--golden", help="Folder of the golden nodes; without it beside the checkout.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option("--output", "-o", help="Results, a JSON line a case; without it in the home folder.")
    ] = None,
    is_resumed: Annotated[
        bool, typer.Option("--resume/--fresh", help="Go on with results of the same settings, or begin again.")
    ] = True,
    is_quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Measure seats and panel against known truth: good nodes and broken ones, or right and wrong functions."""
    del debug
    from omniclaude_dagster.benchmark.quorum_measure import Asked, figures_from_records

    settings = settings_with(panel)
    if is_from_records and (data is not None or votes is not None):
        raise RequestError("--from-records executes no cases.", cure="leave --data and --votes out")
    if is_from_records:
        summary = figures_from_records(settings)
    else:
        asked = Asked(cases, data, votes, golden, results, seed, has_facts, is_fresh=not is_resumed)
        summary = _measured(asked, settings, is_quiet=is_quiet)
    if json_output:
        emit_json(summary)
    else:
        from omniclaude_dagster.surfaces.cli.bench_quorum_view import summary_view

        summary_view(output(), summary)
    return EXIT_NOT_PUBLISHED if summary["without_votes"] else EXIT_DONE


def settings_with(panel: str | None) -> "Settings":
    """The settings, with another panel if one is named. Raises ConfigurationError."""
    from omniclaude_dagster.settings import load_settings

    settings = load_settings()
    return settings if panel is None else settings.model_copy(update={"panel": panel})


def _measured(asked: "Asked", settings: "Settings", *, is_quiet: bool) -> dict[str, Any]:
    from omniclaude_dagster.benchmark.quorum_measure import measure
    from omniclaude_dagster.surfaces.cli.bench_progress import BenchProgress

    def on_resumed(count: int, path: Path) -> None:
        if not is_quiet:
            say(f"going on with {count} results in {path}; --fresh begins again")

    # Whatever a library prints while it runs must not get between results.
    with (
        contextlib.redirect_stdout(sys.stderr),
        BenchProgress(is_quiet=is_quiet, unit="cases") as progress,
    ):
        return measure(asked, settings, progress=_Told(progress), on_resumed=on_resumed)


@dataclass(frozen=True)
class _Shown:
    """A case as progress shows it: right when the panel decided as the truth is."""

    task: str
    status: str
    is_body_right: bool


@dataclass(frozen=True)
class _Told:
    """Tells the shared progress about cases."""

    progress: "BenchProgress"

    def begin(self, rows: "Sequence[CaseRow]", *, total: int) -> None:
        """The run goes on after these rows."""
        self.progress.begin([_shown(row) for row in rows], total=total)

    def advance(self, row: "CaseRow") -> None:
        """One more case."""
        self.progress.advance(_shown(row))


def _shown(row: "CaseRow") -> _Shown:
    return _Shown(row.case, row.decision, (row.decision == "apply") == row.is_right)
