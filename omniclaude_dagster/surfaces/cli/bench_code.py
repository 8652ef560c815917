"""`omniclaude bench code`: generate nodes for public programming tasks and judge them by the tasks' hidden tests."""

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE, EXIT_NOT_PUBLISHED
from omniclaude_dagster.surfaces.cli.console import emit_json, output, say
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption

if TYPE_CHECKING:
    from omniclaude_dagster.benchmark.run import BenchmarkFolders, Plan
    from omniclaude_dagster.benchmark.subject import Measured, Subject
    from omniclaude_dagster.settings import Settings

_SOLUTIONS = click.Choice(["canonical", "canonical-and-mutants"])
_DEFAULT_MUTANTS = 5
_SAMPLING_TEMPERATURE = 0.8


def bench_code(
    *,
    data: Annotated[Path, typer.Option("--data", help="HumanEval+ or MBPP+ tasks, .jsonl or .jsonl.gz.")],
    model: Annotated[str | None, typer.Option(help="Measure this model alone.")] = None,
    chain: Annotated[str | None, typer.Option(help="Measure this chain of model_configs/chains.yaml.")] = None,
    solutions: Annotated[
        str | None,
        typer.Option(click_type=_SOLUTIONS, help="Ask no model: put in right solutions, and wrong ones made of them."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many tasks.")] = None,
    samples: Annotated[int, typer.Option(min=1, max=1000, help="Samples of each task.")] = 1,
    temperature: Annotated[
        float | None,
        typer.Option(min=0.0, max=2.0, help="Of every question; without it 0.8 for several samples, else our own."),
    ] = None,
    mutants: Annotated[int, typer.Option(min=1, max=100, help="Wrong solutions of each task.")] = _DEFAULT_MUTANTS,
    seed: Annotated[int, typer.Option(help="Chooses the wrong solutions.")] = 0,
    results: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Results, a JSON line a sample; without it in the home folder."),
    ] = None,
    is_resumed: Annotated[
        bool, typer.Option("--resume/--fresh", help="Go on with results of the same settings, or begin again.")
    ] = True,
    is_replay: Annotated[
        bool, typer.Option("--replay", help="Ask no model: answer from the records of the same command's last run.")
    ] = False,
    is_quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Measure generation on public tasks: pass@1 by hidden tests, cost, time, and whether the quality score tells."""
    del debug
    from omniclaude_dagster.benchmark.run import Plan
    from omniclaude_dagster.benchmark.tasks import read_data_set
    from omniclaude_dagster.settings import load_settings

    subject = _subject(model, chain, solutions, samples=samples, temperature=temperature)
    if is_replay and solutions is not None:
        raise RequestError("--replay repeats answers of models; --solutions asks none.", cure="leave one of them out")
    plan = Plan(
        data=read_data_set(data, limit=limit),
        subject=subject,
        samples=samples,
        mutants=mutants if solutions == "canonical-and-mutants" else 0,
        seed=seed,
        is_replay=is_replay,
    )
    summary = _measured(plan, load_settings(), results, is_fresh=not is_resumed, is_quiet=is_quiet)
    if json_output:
        emit_json(summary)
    else:
        from omniclaude_dagster.surfaces.cli.bench_code_view import summary_view

        summary_view(output(), summary)
    return EXIT_NOT_PUBLISHED if summary["totals"]["unrecorded_calls"] else EXIT_DONE


def _subject(
    model: str | None, chain: str | None, solutions: str | None, *, samples: int, temperature: float | None
) -> "Subject":
    from omniclaude_dagster.benchmark.subject import Subject

    given = {"--model": model, "--chain": chain, "--solutions": solutions}
    named = [option for option, value in given.items() if value is not None]
    if len(named) != 1:
        found = " and ".join(named) or "none of them"
        raise RequestError(
            f"give one of --model, --chain and --solutions; there is {found}.",
            cure="omniclaude bench code --data FILE --model default",
        )
    if solutions is not None:
        if samples > 1 or temperature is not None:
            raise RequestError("--samples and --temperature are for models.", cure="leave them out with --solutions")
        return Subject("solutions", solutions)
    drawn = _SAMPLING_TEMPERATURE if samples > 1 and temperature is None else temperature
    return Subject("model", model, drawn) if model is not None else Subject("chain", str(chain), drawn)


def _measured(
    plan: "Plan", settings: "Settings", results: Path | None, *, is_fresh: bool, is_quiet: bool
) -> dict[str, Any]:
    from omniclaude_dagster.benchmark.ledger import open_ledger
    from omniclaude_dagster.benchmark.run import BenchmarkFolders, new_header, remember_recording, run
    from omniclaude_dagster.benchmark.summary import summary_of
    from omniclaude_dagster.surfaces.cli.bench_progress import BenchProgress

    folders = BenchmarkFolders.of(settings)
    path = (results or folders.results(plan)).expanduser().absolute()
    # A replay costs nothing and counts the answers it gave, so it always begins again, but only over a replay.
    is_fresh = is_fresh or (plan.is_replay and _holds(path, plan))
    # Whatever a library prints while it runs must not get between results.
    with contextlib.redirect_stdout(sys.stderr), contextlib.ExitStack() as stack:
        measured = _subject_platform(plan, settings, folders, stack)
        with measured.platform, open_ledger(path, new_header(plan), is_fresh=is_fresh) as ledger:
            if plan.subject.kind != "solutions" and not plan.is_replay:
                remember_recording(folders, plan, ledger.header.run_id, measured)
            if ledger.rows and not is_quiet:
                say(f"going on with {len(ledger.rows)} results in {path}; --fresh begins again")
            with BenchProgress(is_quiet=is_quiet) as progress:
                rows = asyncio.run(run(plan, measured, ledger, folders, progress=progress))
            return {**summary_of(rows, ledger.header), "results": str(path)}


def _holds(path: Path, plan: "Plan") -> bool:
    from omniclaude_dagster.benchmark.ledger import read_header

    header = read_header(path)
    return header is not None and header.settings == plan.settings


def _subject_platform(
    plan: "Plan", settings: "Settings", folders: "BenchmarkFolders", stack: contextlib.ExitStack
) -> "Measured":
    from omniclaude_dagster.benchmark.run import recording
    from omniclaude_dagster.benchmark.subject import given_solutions, live, replayed
    from omniclaude_dagster.records.repository import RecordsStore

    if plan.subject.kind == "solutions":
        return given_solutions(settings)
    if plan.is_replay:
        recorded_run, asked = recording(folders, plan)
        records = RecordsStore(settings.records_url, settings.home_path / "spool")
        stack.callback(records.close)
        return replayed(plan.subject, settings, records, recorded_run=recorded_run, asked=asked)
    return asyncio.run(live(plan.subject, settings))
