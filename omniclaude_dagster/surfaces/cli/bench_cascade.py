"""`omniclaude bench cascade`: recorded outcomes through our cascade. Here is only the command and how it looks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE
from omniclaude_dagster.surfaces.cli.console import emit_json, output, plain
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption

if TYPE_CHECKING:
    from rich.console import Console

    from omniclaude_dagster.benchmark.cascade_report import CascadeReport

_MAX_ATTEMPTS = 8


def bench_cascade(
    *,
    outcomes: Annotated[Path, typer.Option("--outcomes", help="CSV: task_id, then passing shares in % a model.")],
    chain: Annotated[str, typer.Option("--chain", help="Models, cheapest first: CHEAP,EXPENSIVE; parts of names.")],
    sensitivity: Annotated[
        float, typer.Option("--sensitivity", min=0, max=1, help="Share of wrong answers the verifier refuses.")
    ] = 1.0,
    false_reject: Annotated[
        float, typer.Option("--false-reject", min=0, max=1, help="Share of right answers the verifier refuses.")
    ] = 0.0,
    tries: Annotated[int, typer.Option("--tries", min=1, max=4, help="Tries of each model before the next.")] = 1,
    runs: Annotated[int, typer.Option("--runs", min=10, max=2_000, help="Simulated runs of each task.")] = 200,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the simulation.")] = 1,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Replay recorded outcomes of models through our cascade: what it passes, and what share of expensive calls.

    The exact expectation follows every way a run can go; the simulation throws dice. Both go through the code that
    generation uses, and must agree.
    """
    del debug
    import asyncio
    from datetime import UTC, datetime

    from omniclaude_dagster.benchmark.cascade_outcomes import read_outcomes
    from omniclaude_dagster.benchmark.cascade_replay import Replay, Verifier
    from omniclaude_dagster.benchmark.cascade_report import cascade_report
    from omniclaude_dagster.errors import RequestError
    from omniclaude_dagster.providers.catalog import load_catalog
    from omniclaude_dagster.settings import load_settings, project_data_path

    recorded = read_outcomes(outcomes)
    models = recorded.chain(chain.split(","))
    if len(models) * tries > _MAX_ATTEMPTS:
        raise RequestError(
            f"{len(models)} models with {tries} tries each have too many ways to go to follow them all.",
            cure=f"keep models times tries at {_MAX_ATTEMPTS} or less",
        )
    replay = Replay(recorded, models, Verifier(sensitivity, false_reject), tries)
    catalog = load_catalog(load_settings().model_configs or project_data_path() / "model_configs")
    today = datetime.now(UTC).date()
    report = asyncio.run(cascade_report(replay, seed=seed, runs_per_task=runs, catalog=catalog, today=today))
    if json_output:
        emit_json(report.as_json())
    else:
        _show(output(), report)
    return EXIT_DONE


def _show(console: "Console", report: "CascadeReport") -> None:
    from rich import box
    from rich.table import Table

    replay, exact, simulated = report.replay, report.expected.tally, report.simulated
    verifier = replay.verifier
    console.print(
        f"{len(replay.outcomes.tasks)} tasks, verifier: refuses {_percent(verifier.sensitivity)} of wrong and "
        f"{_percent(verifier.false_reject)} of right answers, {replay.tries_per_model} tries a model"
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("model, cheapest first", overflow="fold")
    for title in ("alone", "calls a task", "USD per M tokens"):
        table.add_column(title, justify="right")
    for model in replay.chain:
        price = report.prices[model]
        shown = "not in the catalog" if price is None else f"{price:.2f}"
        table.add_row(plain(model), _percent(replay.alone(model)), f"{exact.calls[model]:.3f}", shown)
    console.print(table)
    rows = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    rows.add_column("cascade")
    for title in ("exact", "simulated", "99 % of the simulation"):
        rows.add_column(title, justify="right")
    passed, asked = simulated.passed_interval, simulated.asked_last_interval
    rows.add_row("pass rate", _percent(exact.passed), _percent(simulated.tally.passed), _range(passed.low, passed.high))
    rows.add_row(
        "expensive calls",
        _percent(exact.asked_last),
        _percent(simulated.tally.asked_last),
        _range(asked.low, asked.high),
    )
    rows.add_row("accepted by verifier", _percent(exact.accepted), _percent(simulated.tally.accepted), "")
    console.print(rows)
    console.print(_agreement(report), soft_wrap=True)
    console.print(_verdict(report), soft_wrap=True)


def _agreement(report: "CascadeReport") -> str:
    ways = f"exact: every way a run can go; simulated: {report.simulated.runs} runs, seed {report.seed}"
    return f"{ways}; they {'agree' if report.is_agreeing else 'DISAGREE'}"


def _verdict(report: "CascadeReport") -> str:
    """One line: wins or loses, by how much, how sure that is over tasks, and what it costs."""
    interval = report.expected.gain_interval
    gain = (
        f"{report.expected.gain * 100:+.1f} points (95 % over tasks {_range(interval.low, interval.high, signed=True)}"
    )
    clear = ")" if report.is_clear else "; so many tasks do not settle it)"
    ratio = report.cost_ratio
    cost = f"; cost {ratio:.2f} of it" if ratio is not None else "; no cost ratio, a price is not in the catalog"
    return f"{report.outcome} against {plain(report.replay.chain[-1])} alone: {gain}{clear}{cost}"


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _range(low: float, high: float, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    return f"{low * 100:{sign}.1f} to {high * 100:{sign}.1f}"
