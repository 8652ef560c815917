"""How patterns look to a person: tables and one pattern whole. What is stored is untrusted text."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from omniclaude_dagster.surfaces.cli.console import plain

if TYPE_CHECKING:
    from omniclaude_dagster.patterns.model import StoredPattern
    from omniclaude_dagster.patterns.pruning import Pruning
    from omniclaude_dagster.records.learned import ReuseRow

_STYLES = {"active": "green", "quarantined": "yellow", "retired": "red"}
_SHORT_ID_CHARS = 8
_MAX_HISTORY = 20
_NUMBERS = {"quality", "success", "uses", "rank", "score"}


def patterns_view(console: Console, found: Iterable["StoredPattern"]) -> None:
    """A line each; the reason below where one is not active."""
    found = list(found)
    table = new_table("id", "pattern", "kind", "status", "quality", "success", "uses")
    for stored in found:
        pattern = stored.pattern
        name = Text(plain(pattern.name)).append(f"\n{plain(', '.join(pattern.systems)) or '-'}", style="dim")
        table.add_row(
            str(pattern.pattern_id)[:_SHORT_ID_CHARS],
            name,
            pattern.node_kind.value,
            status_text(stored.status),
            f"{pattern.quality_score:.3f}",
            f"{stored.success_rate:.2f}",
            str(stored.usage_count),
        )
    console.print(table)
    for stored in found:
        if stored.status != "active" and stored.status_reason:
            console.print(Text(f"{short_id(stored)}: {plain(stored.status_reason)}"), soft_wrap=True)


def pattern_view(console: Console, stored: "StoredPattern", history: Sequence["ReuseRow"]) -> None:
    """One pattern: head, task, figures, fields, conditions, code, uses."""
    pattern = stored.pattern
    head = Text.assemble((stored.status, f"bold {_STYLES[stored.status]}"), f"  {plain(pattern.name)}")
    console.print(head.append(f" ({pattern.node_kind.value}, domain {plain(pattern.domain)})"), soft_wrap=True)
    console.print(Text(f"pattern {pattern.pattern_id}"), soft_wrap=True)
    if stored.status_reason:
        console.print(Text(f"why: {plain(stored.status_reason)}"), soft_wrap=True)
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _facts(stored).items():
        table.add_row(name, Text(plain(value)))
    console.print(table)
    console.print(Text("\ncode", style="bold"))
    for line in pattern.code.splitlines():
        console.print(Text(f"  {plain(line, keep_lines=True)}"), soft_wrap=True)
    _history(console, history)


def prunings_view(console: Console, found: Iterable["Pruning"]) -> None:
    """A line each, with the rule and why it applies."""
    table = new_table("id", "pattern", "rule", "reason")
    for pruning in found:
        short = str(pruning.pattern_id)[:_SHORT_ID_CHARS]
        table.add_row(short, Text(plain(pruning.name)), pruning.rule, Text(plain(pruning.reason)))
    console.print(table)


def new_table(*columns: str) -> Table:
    """An empty table; columns of numbers stand right, ids and states are never broken."""
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column in columns:
        is_whole = column in {"id", "status", "rule", "role"}
        table.add_column(column, overflow="fold", justify="right" if column in _NUMBERS else "left", no_wrap=is_whole)
    return table


def status_text(status: str) -> Text:
    """The status in its colour."""
    return Text(status, style=_STYLES.get(status, ""))


def short_id(stored: "StoredPattern") -> str:
    """As much of an id as a person types."""
    return str(stored.pattern_id)[:_SHORT_ID_CHARS]


def _facts(stored: "StoredPattern") -> Mapping[str, str]:
    pattern = stored.pattern
    used = f", last {stored.last_used:%Y-%m-%d %H:%M} UTC" if stored.last_used else ""
    times = "1 time" if stored.usage_count == 1 else f"{stored.usage_count} times"
    facts = {
        "task": pattern.description,
        "systems": ", ".join(pattern.systems) or "-",
        "inputs": _fields(pattern.inputs),
        "outputs": _fields(pattern.outputs),
        "reuse when": " ".join(pattern.reuse_conditions) or "-",
        "quality": f"{pattern.quality_score:.4f}, of nodes built on it {stored.average_quality_score:.4f}",
        "use": f"{times}, success rate {stored.success_rate:.2f}{used}",
        "origin": f"{pattern.origin}, {pattern.source} of request {pattern.request_id}",
        "made": f"{pattern.created_at:%Y-%m-%d %H:%M} UTC for omnibase-core {pattern.core_version}",
        "models": ", ".join(pattern.models_used) or "-",
        "examples": str(len(pattern.examples)),
        "vector": stored.embedding_model or "none yet: omniclaude patterns reembed",
    }
    if stored.consecutive_failures:
        facts["failures"] = f"{stored.consecutive_failures} in a row"
    return facts


def _fields(fields: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {type_}" for name, type_ in fields.items()) or "-"


def _history(console: Console, history: Sequence["ReuseRow"]) -> None:
    if not history:
        console.print(Text("\nno generation has met it yet"))
        return
    shown = history[-_MAX_HISTORY:]
    title = f"\nmet by {len(history)} generations" + (f", the last {len(shown)}" if len(shown) < len(history) else "")
    console.print(Text(title, style="bold"))
    table = new_table("when", "request", "role", "rank", "score", "published", "note")
    for row in reversed(shown):
        table.add_row(
            f"{row.timestamp:%Y-%m-%d}",
            Text(plain(row.request_id)),
            row.role,
            str(row.rank) if row.rank else "-",
            f"{row.score:.2f}",
            "yes" if row.is_success else "no",
            Text(plain(row.detail or "; ".join(row.reasons))),
        )
    console.print(table)
