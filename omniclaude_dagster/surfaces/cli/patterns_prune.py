"""`omniclaude patterns prune`, `retire`, `release` and `forget`: what leaves the library, and what comes back."""

import sys
from collections.abc import Sequence
from itertools import batched, groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE
from omniclaude_dagster.surfaces.cli.console import emit_json, notes, output, plain, say
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption
from omniclaude_dagster.surfaces.cli.patterns_common import (
    IdArgument,
    every_pattern,
    opened_records,
    pattern_named,
    say_that_it_is_empty,
)

if TYPE_CHECKING:
    from omniclaude_dagster.patterns.model import PatternStatus, PatternStore, StoredPattern
    from omniclaude_dagster.patterns.pruning import Pruning
    from omniclaude_dagster.records.repository import RecordsStore

_PORTION = 500
_NAMED = 5
ReasonOption = Annotated[str, typer.Option("--reason", help="Kept with the pattern.")]


def prune(
    *,
    is_applied: Annotated[bool, typer.Option("--apply", help="Retire them; without this nothing is changed.")] = False,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Say which patterns have had their day, and why; with --apply retire them. Retired ones can be released again."""
    del debug
    from datetime import UTC, datetime

    from omniclaude_dagster.contracts.profile import core_profile
    from omniclaude_dagster.patterns.pruning import to_retire

    with opened_records() as records, notes().status("looking at every pattern ..."):
        there = every_pattern(records, statuses=("active", "quarantined"))
        found = to_retire(there, core_version=core_profile().version, now=datetime.now(UTC))
        if is_applied:
            _retire(records, found)
        counts = records.pattern_counts()
    if json_output:
        for pruning in found:
            emit_json(_pruning_json(pruning, is_applied=is_applied))
    elif not sum(counts.values()):
        say_that_it_is_empty()
    else:
        _show(found, is_applied=is_applied)
    return EXIT_DONE


def retire(
    pattern_id: IdArgument,
    *,
    reason: ReasonOption = "retired by a person",
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Take one pattern out of use. `release` brings it back, `forget` removes it for good."""
    del debug
    return _set_status(pattern_id, "retired", reason, json_output=json_output)


def release(
    pattern_id: IdArgument,
    *,
    reason: ReasonOption = "released by a person",
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Put a quarantined or retired pattern back into use."""
    del debug
    return _set_status(pattern_id, "active", reason, json_output=json_output)


def forget(
    pattern_ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Retired patterns.")] = None,
    *,
    is_all: Annotated[bool, typer.Option("--all", help="Every retired pattern.")] = False,
    is_sure: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Remove retired patterns for good. What came of them in generations stays in the records."""
    del debug
    if bool(pattern_ids) == is_all:
        raise RequestError("it is not clear what to forget.", cure="name ids of retired patterns, or give --all alone")
    with opened_records() as records:
        if is_all:
            found = list(every_pattern(records, statuses=("retired",)))
        else:
            found = [_retired(records, one) for one in dict.fromkeys(pattern_ids or ())]
        if found and not is_sure and not _is_confirmed(found):
            say("nothing was forgotten")
            return EXIT_DONE
        ids = [stored.pattern_id for stored in found]
        forgotten = sum(records.purge_patterns(portion) for portion in batched(ids, _PORTION))
    if json_output:
        emit_json({"forgotten": forgotten, "pattern_ids": [str(pattern_id) for pattern_id in ids]})
    else:
        say(f"{_counted(forgotten)} forgotten" if found else "there is no retired pattern")
    return EXIT_DONE


def _retire(records: "RecordsStore", found: Sequence["Pruning"]) -> None:
    by_reason = sorted(found, key=lambda pruning: pruning.reason)
    for reason, same in groupby(by_reason, key=lambda pruning: f"{pruning.rule}: {pruning.reason}"):
        for portion in batched((pruning.pattern_id for pruning in same), _PORTION):
            records.set_pattern_status(portion, "retired", reason=reason)


def _show(found: Sequence["Pruning"], *, is_applied: bool) -> None:
    from omniclaude_dagster.surfaces.cli.patterns_view import prunings_view

    if not found:
        say("every pattern is worth keeping")
        return
    prunings_view(output(), found)
    if is_applied:
        say(f"{_counted(len(found))} retired; `omniclaude patterns release ID` brings one back")
    else:
        say(f"{_counted(len(found))} would be retired; nothing was changed: give --apply to do it")


def _set_status(text: str, status: "PatternStatus", reason: str, *, json_output: bool) -> int:
    with opened_records() as records:
        stored = pattern_named(records, text)
        is_changed = bool(records.set_pattern_status([stored.pattern_id], status, reason=reason))
    if json_output:
        emit_json({"pattern_id": str(stored.pattern_id), "status": status, "is_changed": is_changed})
    elif is_changed:
        say(f"{stored.pattern_id} {plain(stored.pattern.name)}: {stored.status} -> {status}")
    else:
        say(f"{stored.pattern_id} {plain(stored.pattern.name)} is {status} already")
    return EXIT_DONE


def _retired(store: "PatternStore", text: str) -> "StoredPattern":
    stored = pattern_named(store, text)
    if stored.status != "retired":
        raise RequestError(
            f"{stored.pattern_id} {plain(stored.pattern.name)} is {stored.status}; only retired ones can be forgotten.",
            cure=f"omniclaude patterns retire {stored.pattern_id}",
        )
    return stored


def _is_confirmed(found: Sequence["StoredPattern"]) -> bool:
    """Ask on stderr and read a line. Raises RequestError where nobody answers."""
    for stored in found[:_NAMED]:
        say(f"{stored.pattern_id} {plain(stored.pattern.name)}: {plain(stored.status_reason)}")
    if len(found) > _NAMED:
        say(f"and {len(found) - _NAMED} more")
    notes().print(f"forget {_counted(len(found))} for good? [y/N] ", end="")
    answer = sys.stdin.readline()
    if not answer:
        raise RequestError("nobody answered; nothing was forgotten.", cure="give --yes to forget unasked")
    return answer.strip().lower() in {"y", "yes"}


def _counted(count: int) -> str:
    return f"{count} pattern{'' if count == 1 else 's'}"


def _pruning_json(pruning: "Pruning", *, is_applied: bool) -> dict[str, Any]:
    return {
        "pattern_id": str(pruning.pattern_id),
        "name": pruning.name,
        "status": "retired" if is_applied else pruning.status,
        "rule": pruning.rule,
        "reason": pruning.reason,
        "is_applied": is_applied,
    }
