"""`omniclaude patterns reembed`: vectors for the patterns that have none, or one of another embedding model."""

from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE
from omniclaude_dagster.surfaces.cli.console import emit_json, notes, say
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption
from omniclaude_dagster.surfaces.cli.patterns_common import opened, say_that_it_is_empty


def reembed(*, json_output: JsonOption = False, debug: DebugOption = False) -> int:
    """Embed what the present embedding model has not embedded yet. Interrupted, it goes on where it was."""
    del debug
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = notes()
    with opened() as platform:
        if not sum(platform.records.pattern_counts().values()):
            say_that_it_is_empty()
            return EXIT_DONE
        columns = (TextColumn("embedding patterns"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("", total=None)
            count = platform.library.reembed(lambda done, total: bar.update(task, completed=done, total=total))
        model = platform.library.health().embedding_model
    if json_output:
        emit_json({"embedded": count, "embedding_model": model})
    else:
        say(f"{count} embedded with {model}" if count else f"every pattern has its vector of {model}")
    return EXIT_DONE
