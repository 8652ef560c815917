"""`omniclaude patterns stats`: what is in the library, whether it works, and what it is worth."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE
from omniclaude_dagster.surfaces.cli.console import emit_json, notes, output
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption
from omniclaude_dagster.surfaces.cli.patterns_common import every_change, opened, say_that_it_is_empty, summary_json

if TYPE_CHECKING:
    from omniclaude_dagster.patterns.library import LibraryHealth
    from omniclaude_dagster.patterns.model import PatternStatus, StoredPattern
    from omniclaude_dagster.patterns.uplift import Uplift
    from omniclaude_dagster.pipeline import Platform
    from omniclaude_dagster.records.learned import ReuseRow
    from omniclaude_dagster.settings import Settings

NO_SYSTEM = "none"
_TOP = 5
_USES = ("shown", "reused", "repeated")


@dataclass(frozen=True)
class LibraryStats:
    """Everything the report says. `by_kind` and `by_systems` count active patterns, `by_role` what came of offers."""

    counts: "Mapping[PatternStatus, int]"
    by_kind: Mapping[str, int]
    by_systems: Mapping[str, int]
    health: "LibraryHealth"
    by_role: Mapping[str, int]
    top_used: Sequence["StoredPattern"]
    quarantined: Sequence["StoredPattern"]
    uplift: "Uplift"
    # Of the whole records, where they are a file.
    database_bytes: int | None

    def as_json(self) -> dict[str, Any]:
        """The object that --json prints."""
        return {
            "counts": dict(self.counts),
            "by_kind": dict(self.by_kind),
            "by_systems": dict(self.by_systems),
            "health": asdict(self.health),
            "by_role": dict(self.by_role),
            "top_used": [summary_json(stored) for stored in self.top_used],
            "quarantined": [summary_json(stored) for stored in self.quarantined],
            "uplift": self.uplift.as_json(),
            "database_bytes": self.database_bytes,
        }


def stats(
    *,
    days: Annotated[
        int | None, typer.Option("--days", min=1, max=36_500, help="Count uses of the last so many days only.")
    ] = None,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """What the library holds, whether it works, how it is used, and what it is worth against requests without it."""
    del debug
    with opened() as platform, notes().status("counting ..."):
        found = gathered(platform, days=days)
    if json_output:
        emit_json(found.as_json())
        return EXIT_DONE
    from omniclaude_dagster.surfaces.cli.patterns_stats_view import stats_view

    stats_view(output(), found)
    if not sum(found.counts.values()):
        say_that_it_is_empty()
    return EXIT_DONE


def gathered(platform: "Platform", *, days: int | None) -> LibraryStats:
    """Ask the library and the records. Raises RecordsUnavailableError."""
    from datetime import UTC, datetime, timedelta

    since = datetime.now(UTC) - timedelta(days=days) if days else None
    records = platform.records
    rows = records.reuse_rows(since=since)
    active = [change for change in every_change(records) if change.status == "active"]
    return LibraryStats(
        counts=records.pattern_counts(),
        by_kind=_counted(change.node_kind.value for change in active),
        by_systems=_counted(" + ".join(sorted(change.systems)) or NO_SYSTEM for change in active),
        health=platform.library.health(),
        by_role=_counted(row.role for row in rows),
        top_used=_top_used(platform, rows),
        quarantined=records.pattern_page(status="quarantined", limit=_TOP),
        uplift=_uplift(rows, share=platform.settings.pattern_holdout_share),
        database_bytes=_database_bytes(platform.settings),
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    """How often each occurs, the most frequent first."""
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def _top_used(platform: "Platform", rows: Sequence["ReuseRow"]) -> "tuple[StoredPattern, ...]":
    used = Counter(row.pattern_id for row in rows if row.role in _USES)
    first = sorted(used, key=lambda pattern_id: (-used[pattern_id], pattern_id))
    return platform.records.patterns(first[:_TOP])


def _uplift(rows: Sequence["ReuseRow"], *, share: float) -> "Uplift":
    from omniclaude_dagster.patterns.uplift import TrialRow, uplift

    trials = (
        TrialRow(
            correlation_id=row.correlation_id,
            request_id=row.request_id,
            role=row.role,
            is_success=row.is_success,
            quality_score=row.quality_score,
            cost_nanousd=row.cost_nanousd,
            model_calls=row.model_calls,
            timestamp=row.timestamp,
            node_kind=row.node_kind,
            is_found=row.rank > 0,
        )
        for row in rows
    )
    return uplift(trials, share=share)


def _database_bytes(settings: "Settings") -> int | None:
    """The file of the records with its log, as far as they are a file."""
    from omniclaude_dagster.records.engine import parse_url, sqlite_file

    file = sqlite_file(parse_url(settings.records_url))
    if file is None:
        return None
    parts = (file, file.with_name(f"{file.name}-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())
