"""`omniclaude patterns list` and `show`: what is in the library, and all that is known of one pattern."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE
from omniclaude_dagster.surfaces.cli.console import emit_json, output, say
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption
from omniclaude_dagster.surfaces.cli.patterns_common import (
    IdArgument,
    opened_records,
    pattern_named,
    say_that_it_is_empty,
    summary_json,
)

if TYPE_CHECKING:
    from omniclaude_dagster.patterns.model import PatternStatus, StoredPattern
    from omniclaude_dagster.records.learned import ReuseRow

# As in request.model.NodeKind, whose import would slow every command down.
KindChoice = Literal["EFFECT", "COMPUTE", "REDUCER", "ORCHESTRATOR"]
StatusChoice = Literal["active", "quarantined", "retired", "all"]


def list_patterns(
    *,
    status: Annotated[StatusChoice, typer.Option("--status", help="Which ones.")] = "active",
    kind: Annotated[KindChoice | None, typer.Option("--kind", case_sensitive=False, help="Of this kind only.")] = None,
    text: Annotated[str | None, typer.Option("--text", help="Only those whose text holds this.")] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, max=1_000, help="How many.")] = 20,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """List patterns, the newest first."""
    del debug
    from omniclaude_dagster.request.model import NodeKind

    with opened_records() as records:
        of_kind = NodeKind(kind) if kind else None
        wanted = None if status == "all" else status
        found = records.pattern_page(status=wanted, node_kind=of_kind, text=text, limit=limit)
        counts = records.pattern_counts()
    if json_output:
        for stored in found:
            emit_json(summary_json(stored))
    elif found:
        from omniclaude_dagster.surfaces.cli.patterns_view import patterns_view

        patterns_view(output(), found)
        _say_the_rest(len(found), counts, status)
    elif not sum(counts.values()):
        say_that_it_is_empty()
    else:
        there = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        say(f"no pattern fits; the library holds {there} (see --status, --kind and --text)")
    return EXIT_DONE


def show_pattern(pattern_id: IdArgument, *, json_output: JsonOption = False, debug: DebugOption = False) -> int:
    """Show one pattern: its task, its code, what became of it and where it was used."""
    del debug
    with opened_records() as records:
        stored = pattern_named(records, pattern_id)
        history = [row for row in records.reuse_rows() if row.pattern_id == stored.pattern_id]
    if json_output:
        emit_json(_whole_json(stored, history))
    else:
        from omniclaude_dagster.surfaces.cli.patterns_view import pattern_view

        pattern_view(output(), stored, history)
    return EXIT_DONE


def _say_the_rest(shown: int, counts: "Mapping[PatternStatus, int]", status: StatusChoice) -> None:
    total = sum(counts.values()) if status == "all" else counts.get(status, 0)
    if shown < total:
        say(f"{shown} of {total}; see --limit, --kind, --text and --status")


def _whole_json(stored: "StoredPattern", history: list["ReuseRow"]) -> dict[str, Any]:
    pattern = stored.pattern
    return {
        **summary_json(stored),
        "function": pattern.function,
        "code": pattern.code,
        "inputs": dict(pattern.inputs),
        "outputs": dict(pattern.outputs),
        "input_class": pattern.input_class,
        "output_class": pattern.output_class,
        "contract": pattern.contract,
        "models": dict(pattern.models),
        "request": dict(pattern.request),
        "examples": [dict(example) for example in pattern.examples],
        "models_used": list(pattern.models_used),
        "reuse_conditions": list(pattern.reuse_conditions),
        "request_id": pattern.request_id,
        "correlation_id": str(pattern.correlation_id),
        "content_hash": pattern.content_hash,
        "code_fingerprint": pattern.code_fingerprint,
        "history": [_use_json(row) for row in history],
    }


def _use_json(row: "ReuseRow") -> dict[str, Any]:
    return {
        "request_id": row.request_id,
        "correlation_id": str(row.correlation_id),
        "role": row.role,
        "rank": row.rank,
        "score": row.score,
        "reasons": list(row.reasons),
        "detail": row.detail,
        "is_success": row.is_success,
        "quality_score": row.quality_score,
        "timestamp": row.timestamp.isoformat(),
    }
