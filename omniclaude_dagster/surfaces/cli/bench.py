"""`omniclaude bench`: yardsticks that anybody can run again. One module a command; here is only the group."""

import typer

from omniclaude_dagster.surfaces.cli.bench_cascade import bench_cascade
from omniclaude_dagster.surfaces.cli.bench_code import bench_code
from omniclaude_dagster.surfaces.cli.bench_patterns import bench_patterns
from omniclaude_dagster.surfaces.cli.bench_quorum import bench_quorum

bench = typer.Typer(
    name="bench",
    help="Measure how well generation works, on public tasks with hidden tests and on recorded outcomes.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
bench.command("cascade")(bench_cascade)
bench.command("code")(bench_code)
bench.command("patterns")(bench_patterns)
bench.command("quorum")(bench_quorum)
