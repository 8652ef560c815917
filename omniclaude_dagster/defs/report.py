"""What the UI shows of a generation: a result as metadata. Text that came from a request or a model is escaped."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import dagster as dg

from omniclaude_dagster.stages.model import GenerationResult

_MAX_CELL_CHARS = 300
_MAX_REASON_CHARS = 2_000


def metadata_of(result: GenerationResult) -> dict[str, dg.MetadataValue]:
    """Everything a person asks about a generation, in the order in which they ask it."""
    shown: dict[str, dg.MetadataValue] = {
        "status": dg.MetadataValue.text(result.status),
        "needs_review": dg.MetadataValue.bool(result.status == "needs_review"),
        "node": dg.MetadataValue.text(
            str(result.node.get("class_name") or result.node.get("name") or "not understood")
        ),
        "node_kind": dg.MetadataValue.text(str(result.node.get("kind") or "not understood")),
        "mode": dg.MetadataValue.text(result.mode),
        "quality_score": dg.MetadataValue.float(result.quality_score),
        "quality": _table(("part", "score"), [(part, f"{score:.3f}") for part, score in result.quality.items()]),
        "cost_usd": dg.MetadataValue.float(result.cost_usd),
        "duration_ms": dg.MetadataValue.float(result.duration_ms),
        "files": _files(result),
        "stages": _stages(result),
        "gates": _gates(result),
        "request_id": dg.MetadataValue.text(result.request_id),
        "correlation_id": dg.MetadataValue.text(result.correlation_id),
    }
    if result.node.get("path"):
        shown["path"] = dg.MetadataValue.path(str(result.node["path"]))
    if result.error:
        shown["reason"] = dg.MetadataValue.text(result.error[:_MAX_REASON_CHARS])
    return shown


def reasons_table(reasons: Iterable[tuple[str, str]]) -> dg.MetadataValue:
    """Request ids and why."""
    return _table(("request", "reason"), [(key, reason) for key, reason in reasons])


def _node_name(result: GenerationResult) -> str:
    return str(result.node.get("class_name") or result.node.get("name") or "not understood")


def _files(result: GenerationResult) -> dg.MetadataValue:
    root = Path(str(result.node.get("path") or "."))
    rows = [(_relative(Path(file["path"]), root), str(file["bytes"]), file["sha256"][:12]) for file in result.files]
    return _table(("file", "bytes", "sha256"), rows)


def _stages(result: GenerationResult) -> dg.MetadataValue:
    rows = [
        (
            f"{stage['stage']} {stage['name']}",
            stage["status"],
            f"{stage['latency_ms']:.0f}",
            stage["model"] or "",
            f"{stage['tokens_input']}/{stage['tokens_output']}",
            f"{stage['cost_usd']:.6f}",
            stage["message"],
        )
        for stage in result.stages
    ]
    return _table(("stage", "status", "ms", "model", "tokens in/out", "USD", "message"), rows)


def _gates(result: GenerationResult) -> dg.MetadataValue:
    rows = [
        (
            gate["gate"],
            gate["status"],
            "yes" if gate["is_blocking"] else "no",
            f"{gate['duration_ms']:.0f}",
            gate["message"],
        )
        for gate in result.gates
    ]
    return _table(("gate", "status", "blocking", "ms", "message"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> dg.MetadataValue:
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(_cell(value) for value in row)} |" for row in rows]
    return dg.MetadataValue.md("\n".join(lines))


def _cell(value: str) -> str:
    plain = " ".join(value.split())
    if len(plain) > _MAX_CELL_CHARS:
        plain = f"{plain[:_MAX_CELL_CHARS]}…"
    for character in "\\|<>[]`*_!":
        plain = plain.replace(character, f"\\{character}")
    return plain


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
