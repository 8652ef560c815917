"""`omniclaude bench patterns`: the same tasks with and without a pattern library, judged by their hidden tests."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE, EXIT_NOT_PUBLISHED
from omniclaude_dagster.surfaces.cli.console import emit_json, output, say
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption

if TYPE_CHECKING:
    from omniclaude_dagster.benchmark.run import RunProgress
    from omniclaude_dagster.benchmark.subject import Subject


def bench_patterns(
    *,
    data: Annotated[Path, typer.Option("--data", help="MBPP+ or HumanEval+ tasks, .jsonl or .jsonl.gz.")],
    model: Annotated[str | None, typer.Option(help="Ask this model alone.")] = None,
    chain: Annotated[str | None, typer.Option(help="Ask this chain of model_configs/chains.yaml.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many query tasks; the library stays whole.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Splits the tasks into the store half and the query half.")] = 0,
    results: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Results, a JSON line a task and arm; without it in the home folder."),
    ] = None,
    is_resumed: Annotated[
        bool, typer.Option("--resume/--fresh", help="Go on with what is there, or begin again, also with the library.")
    ] = True,
    is_replay: Annotated[
        bool, typer.Option("--replay", help="Ask no model: answer from the records of the same command's last run.")
    ] = False,
    is_quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Measure what the pattern library is worth: half of the tasks fill it, the others are done with and without it."""
    del debug
    from omniclaude_dagster.benchmark.patterns_plan import PatternsPlan
    from omniclaude_dagster.benchmark.patterns_run import Measurement, embedding_model_of
    from omniclaude_dagster.benchmark.tasks import read_data_set
    from omniclaude_dagster.settings import load_settings

    subject = _subject(model, chain)
    settings = load_settings()
    plan = PatternsPlan(
        data=read_data_set(data),
        subject=subject,
        seed=seed,
        is_replay=is_replay,
        limit=limit,
        embedding_model=embedding_model_of(settings),
    )

    @contextlib.contextmanager
    def phase(name: str) -> Iterator["RunProgress"]:
        from omniclaude_dagster.surfaces.cli.bench_progress import BenchProgress

        if not is_quiet:
            say(name)
        with BenchProgress(is_quiet=is_quiet) as progress:
            yield progress

    measurement = Measurement(plan, settings, phase, results=results, is_fresh=not is_resumed)
    # Whatever a library prints while it runs must not get between results.
    with contextlib.redirect_stdout(sys.stderr):
        report = measurement.carry_out()
    if json_output:
        emit_json(report)
    else:
        from omniclaude_dagster.surfaces.cli.bench_patterns_view import report_view

        report_view(output(), report)
    return EXIT_NOT_PUBLISHED if report["unrecorded_calls"] else EXIT_DONE


def _subject(model: str | None, chain: str | None) -> "Subject":
    from omniclaude_dagster.benchmark.subject import Subject

    if (model is None) == (chain is None):
        raise RequestError(
            f"give one of --model and --chain; there is {'none of them' if model is None else 'both'}.",
            cure="omniclaude bench patterns --data FILE --model default",
        )
    return Subject("model", model) if model is not None else Subject("chain", str(chain))
