"""`omniclaude`: the command line. One module a command; here is only how they come together.

Start-up is fast on purpose: a command imports what it needs when it runs.
"""

import contextlib
import sys
from importlib.metadata import version as installed_version
from typing import Annotated

import typer

from omniclaude_dagster.surfaces.cli.bench import bench
from omniclaude_dagster.surfaces.cli.boundary import EXIT_USAGE, BoundaryGroup
from omniclaude_dagster.surfaces.cli.console import output
from omniclaude_dagster.surfaces.cli.contract import contract
from omniclaude_dagster.surfaces.cli.doctor import doctor
from omniclaude_dagster.surfaces.cli.gate_files import gate_files
from omniclaude_dagster.surfaces.cli.gates import gates
from omniclaude_dagster.surfaces.cli.generate import generate
from omniclaude_dagster.surfaces.cli.models import models
from omniclaude_dagster.surfaces.cli.options import DebugOption
from omniclaude_dagster.surfaces.cli.parse import parse
from omniclaude_dagster.surfaces.cli.patterns import patterns
from omniclaude_dagster.surfaces.cli.pre_commit import pre_commit
from omniclaude_dagster.surfaces.cli.quorum import quorum
from omniclaude_dagster.surfaces.cli.review import review
from omniclaude_dagster.surfaces.cli.serve import serve
from omniclaude_dagster.surfaces.cli.show import list_generations, show
from omniclaude_dagster.surfaces.cli.update import update

app = typer.Typer(
    cls=BoundaryGroup,
    name="omniclaude",
    help="Turns a sentence into an ONEX node that has really been executed.",
    epilog="Exit codes: 0 published; 1 blocked or needs review; 2 wrong usage or configuration; "
    "3 an outside part failed.",
    add_completion=False,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (generate, update, parse, gates, models, doctor, show):
    app.command()(command)
app.command("list")(list_generations)
app.command("gate-files")(gate_files)
app.command("pre-commit")(pre_commit)
app.add_typer(bench)
app.add_typer(contract)
app.add_typer(patterns)
app.add_typer(quorum)
app.add_typer(review)
app.add_typer(serve)


@app.command()
def version() -> None:
    """Print the version."""
    _print_version(is_wanted=True)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        output().print(f"omniclaude {installed_version('omniclaude-dagster')}")


def _version_option(value: bool) -> None:
    if value:
        _print_version(is_wanted=True)
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    *,
    is_version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version_option)
    ] = False,
    debug: DebugOption = False,
) -> None:
    """Turn a sentence into an ONEX node that has really been executed."""
    del is_version, debug
    if ctx.invoked_subcommand is None:
        with contextlib.redirect_stdout(sys.stderr):
            typer.echo(ctx.get_help())
        raise typer.Exit(EXIT_USAGE)


def main() -> None:
    """Entry point of the `omniclaude` program."""
    app(prog_name="omniclaude")


if __name__ == "__main__":
    main()
