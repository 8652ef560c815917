"""`omniclaude patterns export` and `import`: the library as a file, one pattern a line."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE, EXIT_NOT_PUBLISHED
from omniclaude_dagster.surfaces.cli.console import emit_json, notes, plain, say
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption
from omniclaude_dagster.surfaces.cli.patterns_common import (
    every_pattern,
    opened,
    opened_records,
    say_that_it_is_empty,
)

if TYPE_CHECKING:
    from omniclaude_dagster.patterns.exchange import Exported, Imported
    from omniclaude_dagster.pipeline import Platform
    from omniclaude_dagster.providers.redaction import Redactor
    from omniclaude_dagster.records.repository import RecordsStore
    from omniclaude_dagster.settings import Settings

_MAX_SHOWN = 20


def export_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="To write; packed when its name ends in .gz.")],
    *,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Write every active pattern to a file, with its hashes. Exit code 1 when one was left out."""
    del debug
    with opened_records() as records, notes().status("writing patterns ..."):
        if not records.pattern_counts()["active"]:
            say_that_it_is_empty()
            return EXIT_DONE
        left_out, written = _export(records, file)
    if json_output:
        shown = [{"pattern_id": str(done.pattern_id), "reason": done.problem} for done in left_out]
        emit_json({"file": str(file), "written": written, "left_out": shown})
    else:
        for done in left_out[:_MAX_SHOWN]:
            say(f"left out {done.pattern_id}: {plain(done.problem)}", style="yellow")
        say(f"{written} written to {file}" + (f", {len(left_out)} left out" if left_out else ""))
    return EXIT_NOT_PUBLISHED if left_out else EXIT_DONE


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As export wrote it.")],
    *,
    is_strict: Annotated[bool, typer.Option("--strict", help="Stop at the first line that is refused.")] = False,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Add the patterns of a file. Each is checked again and begins unused. Exit code 1 when a line was refused."""
    del debug
    counts: Counter[str] = Counter()
    refused: list[Imported] = []
    with opened() as platform, notes().status("reading patterns ..."):
        for done in _import(platform, file):
            counts[done.outcome] += 1
            if json_output:
                _emit(done)
            if done.outcome == "refused":
                refused = [*refused, done][:_MAX_SHOWN]
                if is_strict:
                    break
    _say_what_came(file, counts, refused, is_strict=is_strict)
    return EXIT_NOT_PUBLISHED if refused else EXIT_DONE


def _export(records: "RecordsStore", file: Path) -> "tuple[list[Exported], int]":
    from omniclaude_dagster.patterns.exchange import export_patterns
    from omniclaude_dagster.settings import load_settings

    there = (stored.pattern for stored in every_pattern(records, statuses=("active",)))
    left_out, written = [], 0
    for done in export_patterns(file, there, redactor=_redactor(load_settings())):
        if done.problem:
            left_out.append(done)
        else:
            written += 1
    return left_out, written


def _import(platform: "Platform", file: Path) -> "Iterator[Imported]":
    from omniclaude_dagster.patterns.exchange import import_patterns, read_patterns

    # Before the first line is read: a library that is away is no fault of the file.
    platform.records.pattern_revision()
    return import_patterns(
        read_patterns(file),
        add=platform.library.add,
        is_known=lambda pattern_id: bool(platform.records.patterns([pattern_id])),
        redactor=_redactor(platform.settings),
    )


def _say_what_came(file: Path, counts: Counter[str], refused: "list[Imported]", *, is_strict: bool) -> None:
    if not counts:
        raise RequestError(f"{file} holds no pattern.", cure="name a file that `omniclaude patterns export` wrote")
    for done in refused:
        say(f"line {done.number}: refused: {plain(done.problem)}", style="yellow")
    hidden = counts["refused"] - len(refused)
    more = f" ({hidden} of them not shown; see --json)" if hidden else ""
    stopped = "; stopped there, as --strict asks" if is_strict and refused else ""
    say(f"{counts['new']} new, {counts['duplicate']} known already, {counts['refused']} refused{more}{stopped}")


def _emit(done: "Imported") -> None:
    emit_json(
        {
            "line": done.number,
            "outcome": done.outcome,
            "pattern_id": str(done.pattern_id) if done.pattern_id else None,
            "reason": done.problem,
        }
    )


def _redactor(settings: "Settings") -> "Redactor":
    """Knows every key that is in use here."""
    from contextlib import suppress
    from urllib.parse import urlsplit

    from pydantic import SecretStr

    from omniclaude_dagster.providers.catalog import load_catalog
    from omniclaude_dagster.providers.redaction import Redactor
    from omniclaude_dagster.settings import project_data_path, secret

    catalog = load_catalog(settings.model_configs or project_data_path() / "model_configs")
    names = {entry.api_key_env for entry in catalog.entries.values() if entry.api_key_env}
    own = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    with suppress(ValueError):
        own += filter(None, [urlsplit(settings.records_url).password])
    return Redactor([*own, *(found for name in sorted(names) if (found := secret(name)))])
