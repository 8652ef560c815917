"""`omniclaude patterns`: the library of proven generations. One module a few commands; here is only the group."""

import typer

from omniclaude_dagster.surfaces.cli.patterns_embed import reembed
from omniclaude_dagster.surfaces.cli.patterns_files import export_file, import_file
from omniclaude_dagster.surfaces.cli.patterns_list import list_patterns, show_pattern
from omniclaude_dagster.surfaces.cli.patterns_prune import forget, prune, release, retire
from omniclaude_dagster.surfaces.cli.patterns_stats import stats

patterns = typer.Typer(
    name="patterns",
    help="The library of proven generations: what is in it, what it is worth, and what has to go.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
patterns.command("stats")(stats)
patterns.command("list")(list_patterns)
patterns.command("show")(show_pattern)
patterns.command("prune")(prune)
patterns.command("export")(export_file)
patterns.command("import")(import_file)
patterns.command("reembed")(reembed)
patterns.command("retire")(retire)
patterns.command("release")(release)
patterns.command("forget")(forget)
