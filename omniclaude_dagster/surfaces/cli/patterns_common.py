"""What the commands about patterns share: the library of the settings, finding a pattern, walking through all."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.surfaces.cli.console import plain, say

if TYPE_CHECKING:
    from omniclaude_dagster.patterns.model import PatternChange, PatternStatus, PatternStore, StoredPattern
    from omniclaude_dagster.pipeline import Platform
    from omniclaude_dagster.records.repository import RecordsStore

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="As list prints it: an id, or how one begins.")]

_PORTION = 200
_CHANGES = 5_000
_MIN_PREFIX = 4
_MAX_CANDIDATES = 8
_PREFIX = re.compile(r"\A[0-9a-f-]{1,36}\Z")


@contextmanager
def opened_records() -> Iterator["RecordsStore"]:
    """The records of the settings, closed in the end: for what needs no search."""
    from omniclaude_dagster.settings import load_settings
    from omniclaude_dagster.surfaces.cli.show import open_records

    with open_records(load_settings()) as records:
        yield records


@contextmanager
def opened() -> Iterator["Platform"]:
    """The platform of the settings, closed in the end."""
    from omniclaude_dagster.pipeline import Platform
    from omniclaude_dagster.settings import load_settings

    with Platform(load_settings()) as platform:
        yield platform


def say_that_it_is_empty() -> None:
    """What to do when there is no pattern yet."""
    say(
        "the library is empty: every published node of quality 0.95 or more becomes a pattern.\n"
        'begin with: omniclaude generate "Create a COMPUTE node that adds tax to a price"\n'
        "or with:    omniclaude patterns import FILE"
    )


def every_pattern(store: "PatternStore", *, statuses: Sequence["PatternStatus"]) -> Iterator["StoredPattern"]:
    """The patterns of these statuses, each once, however the library changes meanwhile."""
    seen: set[bytes] = set()
    revision = 0
    while changes := store.pattern_changes(revision, limit=_PORTION, with_vectors=False):
        revision = changes[-1].revision
        ids = [change.pattern_id for change in changes if change.pattern_id.bytes not in seen]
        seen.update(pattern_id.bytes for pattern_id in ids)
        for stored in store.patterns(ids):
            if stored.status in statuses:
                yield stored


def pattern_named(store: "PatternStore", text: str) -> "StoredPattern":
    """The one pattern whose id is, or begins with, `text`. Raises RequestError; an ambiguous one names candidates."""
    prefix = text.strip().lower()
    if not _PREFIX.match(prefix) or len(prefix) < _MIN_PREFIX:
        raise RequestError(
            f"{plain(text)[:80]!r} is no id of a pattern.",
            cure=f"give an id as `omniclaude patterns list` prints it, or its first {_MIN_PREFIX} digits or more",
        )
    ids = [change.pattern_id for change in every_change(store) if str(change.pattern_id).startswith(prefix)]
    found = store.patterns(ids[: _MAX_CANDIDATES + 1])
    if not found:
        raise RequestError(
            f"there is no pattern {prefix}.", cure="omniclaude patterns list --status all shows what there is"
        )
    if len(found) > 1:
        shown = [f"{stored.pattern_id} {plain(stored.pattern.name)}" for stored in found[:_MAX_CANDIDATES]]
        more = [] if len(ids) <= _MAX_CANDIDATES else [f"and {len(ids) - _MAX_CANDIDATES} more"]
        raise RequestError(
            f"{len(ids)} patterns begin with {prefix}: {'; '.join([*shown, *more])}.", cure="give more of the id"
        )
    return found[0]


def summary_json(stored: "StoredPattern") -> dict[str, Any]:
    """A pattern without its long texts, as `list --json` prints it."""
    pattern = stored.pattern
    return {
        "pattern_id": str(pattern.pattern_id),
        "name": pattern.name,
        "description": pattern.description,
        "pattern_type": pattern.pattern_type,
        "node_kind": pattern.node_kind.value,
        "domain": pattern.domain,
        "systems": list(pattern.systems),
        "status": stored.status,
        "status_reason": stored.status_reason,
        "quality_score": pattern.quality_score,
        "average_quality_score": stored.average_quality_score,
        "success_rate": stored.success_rate,
        "usage_count": stored.usage_count,
        "consecutive_failures": stored.consecutive_failures,
        "last_used": stored.last_used.isoformat() if stored.last_used else None,
        "created_at": pattern.created_at.isoformat(),
        "core_version": pattern.core_version,
        "source": pattern.source,
        "origin": pattern.origin,
        "embedding_model": stored.embedding_model or None,
    }


def every_change(store: "PatternStore") -> Iterator["PatternChange"]:
    """All patterns in short, in the order in which they last changed."""
    revision = 0
    while changes := store.pattern_changes(revision, limit=_CHANGES, with_vectors=False):
        revision = changes[-1].revision
        yield from changes
