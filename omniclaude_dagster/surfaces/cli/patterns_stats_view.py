"""How the report of `omniclaude patterns stats` looks to a person. Decides nothing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from omniclaude_dagster.surfaces.cli.console import plain
from omniclaude_dagster.surfaces.cli.patterns_view import new_table, patterns_view

if TYPE_CHECKING:
    from omniclaude_dagster.patterns.uplift import Comparison, Contrast, RatioCheck, Uplift
    from omniclaude_dagster.statistics import Interval
    from omniclaude_dagster.surfaces.cli.patterns_stats import LibraryStats

_MIB = 1024 * 1024
_MAX_SYSTEMS = 12
_PLACES = {"quality": 4, "cost_usd": 6, "model_calls": 2}
_TITLES = {"success": "published", "quality": "quality", "cost_usd": "cost in $", "model_calls": "model calls"}


def stats_view(console: Console, found: "LibraryStats") -> None:
    """Counts, the state of the parts, use, what is quarantined, and the comparison."""
    _counts(console, found)
    _health(console, found)
    console.print(Text.assemble(("use", "bold"), f"  {_listed(found.by_role) or 'none yet'}"), soft_wrap=True)
    if found.top_used:
        console.print(Text("\nused most", style="bold"))
        patterns_view(console, found.top_used)
    if found.quarantined:
        console.print(Text("\nquarantined, the newest", style="bold"))
        patterns_view(console, found.quarantined)
    uplift_view(console, found.uplift)


def uplift_view(console: Console, found: "Uplift") -> None:
    """Requests with patterns against the held-out ones; a warning where the sides are not to be trusted."""
    overall = found.overall
    title = (
        f"requests that were offered patterns ({overall.offered_count}) and held-out ones ({overall.held_out_count})"
    )
    console.print(Text(f"\n{title}", style="bold"))
    table = new_table("measure", "offered", "held out", "difference, 95 % interval")
    for contrast in overall.contrasts:
        table.add_row(
            _TITLES[contrast.measure], _value(contrast, contrast.offered), _value(contrast, contrast.held_out),
            _difference(contrast),
        )  # fmt: skip
    console.print(table)
    _kinds(console, found.by_kind)
    console.print(Text(_ratio(found.ratio), style="yellow" if found.ratio.is_suspicious else ""), soft_wrap=True)


def _counts(console: Console, found: "LibraryStats") -> None:
    total = sum(found.counts.values())
    console.print(Text.assemble(("patterns", "bold"), f"  {total}: {_listed(found.counts) or 'none'}"), soft_wrap=True)
    if found.by_kind:
        console.print(Text.assemble(("active by kind", "bold"), f"  {_listed(found.by_kind)}"), soft_wrap=True)
        first = dict(list(found.by_systems.items())[:_MAX_SYSTEMS])
        more = len(found.by_systems) - len(first)
        rest = f", and {more} more" if more > 0 else ""
        console.print(Text.assemble(("active by systems", "bold"), f"  {_listed(first)}{rest}"), soft_wrap=True)
    if found.database_bytes is not None:
        size = f"{found.database_bytes / _MIB:.1f} MiB, with all other records"
        console.print(Text.assemble(("size", "bold"), f"  {size}"), soft_wrap=True)


def _health(console: Console, found: "LibraryStats") -> None:
    health = found.health
    model = health.embedding_model or "away"
    waiting = f", {health.waiting_count} patterns wait for a vector" if health.waiting_count else ""
    index = health.index or "not asked, as nothing can be embedded"
    console.print(Text.assemble(("embedding model", "bold"), f"  {plain(model)}{waiting}"), soft_wrap=True)
    console.print(Text.assemble(("index", "bold"), f"  {plain(index)}"), soft_wrap=True)
    for reason in health.degraded:
        console.print(Text(f"degraded: {plain(reason)}", style="yellow"), soft_wrap=True)


def _kinds(console: Console, by_kind: Mapping[str, "Comparison"]) -> None:
    if not by_kind:
        return
    table = new_table("kind", "offered", "held out", "published, difference", "quality, difference")
    for kind, comparison in by_kind.items():
        success, quality = (c for c in comparison.contrasts if c.measure in {"success", "quality"})
        counts = (str(comparison.offered_count), str(comparison.held_out_count))
        table.add_row(kind, *counts, _difference(success), _difference(quality))
    console.print(table)


def _difference(contrast: "Contrast") -> str:
    if contrast.difference is None:
        return contrast.note.partition(":")[0]
    return _interval(contrast.measure, contrast.difference)


def _interval(measure: str, found: "Interval") -> str:
    if measure == "success":
        return f"{found.value * 100:+.1f} points ({found.low * 100:+.1f} to {found.high * 100:+.1f})"
    places = _PLACES[measure]
    return f"{found.value:+.{places}f} ({found.low:+.{places}f} to {found.high:+.{places}f})"


def _value(contrast: "Contrast", value: float | None) -> str:
    if value is None:
        return "-"
    if contrast.measure == "success":
        return f"{value * 100:.1f} %"
    return f"{value:.{_PLACES[contrast.measure]}f}"


def _ratio(ratio: "RatioCheck") -> str:
    wanted = f"{ratio.expected_share * 100:g} % should be held out"
    if ratio.observed_share is None:
        return f"{wanted}; nothing has been compared yet"
    seen = f"{ratio.observed_share * 100:.1f} % were, p = {ratio.p_value:.3g}"
    if not ratio.is_suspicious:
        return f"{wanted}; {seen}: as it should be"
    moved = f"the share was changed ({ratio.moved_count} requests would be on another side today): see --days"
    lost = "records of one side are missing: do not rely on the differences"
    why = moved if ratio.moved_count else lost
    return f"warning: {wanted}; {seen}: {why}"


def _listed[Name: str](counts: Mapping[Name, int]) -> str:
    return ", ".join(f"{count} {plain(name)}" for name, count in counts.items())
