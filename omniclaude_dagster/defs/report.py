"""What the UI shows of a generation: a result as metadata. Text that came from a request or a model is escaped."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from omniclaude_dagster.stages.model import GenerationResult

_MAX_CELL_CHARS = 300
_MAX_REASON_CHARS = 2_000
_MAX_DIFF_CHARS = 20_000


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
    if result.quorum:
        shown |= _quorum(result.quorum)
    if result.patterns:
        shown["patterns"] = _patterns(result.patterns)
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


def _quorum(quorum: Mapping[str, Any]) -> dict[str, dg.MetadataValue]:
    """The decision, the votes, the diffs, and how a person decides."""
    line = (
        f"{quorum['decision']}: score {_number(quorum['score'])}, {quorum['participation']:.0%} of the weight present, "
        f"dispersion {_number(quorum['dispersion'])}, panel {quorum['panel']}; {quorum['reason']}"
    )
    shown: dict[str, dg.MetadataValue] = {
        "quorum": dg.MetadataValue.text(_visible(line)[:_MAX_REASON_CHARS]),
        "quorum_votes": _votes(quorum["votes"]),
    }
    for name in ("applied_diff", "suggested_diff"):
        if quorum.get(name):
            shown[name] = _fenced(str(quorum[name]), language="diff")
    if quorum.get("review_command"):
        shown["review_command"] = dg.MetadataValue.text(_visible(str(quorum["review_command"])))
    return shown


def _votes(votes: Iterable[Mapping[str, Any]]) -> dg.MetadataValue:
    rows = [
        (
            vote["seat"],
            vote["model"] or "",
            f"{vote['weight']:g}",
            _number(vote["score"]),
            f"abstained: {vote['abstained_because']}" if vote["abstained_because"] else vote["verdict"] or "",
        )
        for vote in votes
    ]
    return _table(("seat", "model", "weight", "score", "verdict"), rows)


def _patterns(patterns: Iterable[Mapping[str, Any]]) -> dg.MetadataValue:
    rows = [
        (str(p["rank"]), p["name"], p["role"], _number(p["score"]), "; ".join(map(str, p["reasons"])), p["pattern_id"])
        for p in patterns
    ]
    return _table(("rank", "pattern", "became", "score", "why it was offered", "id"), rows)


def _fenced(text: str, *, language: str) -> dg.MetadataValue:
    """A code block; its fence is longer than any run of backticks inside, so no text can close it."""
    cut = text[:_MAX_DIFF_CHARS] + ("\n… cut here" if len(text) > _MAX_DIFF_CHARS else "")
    longest = max(map(len, re.findall("`+", cut)), default=0)
    fence = "`" * max(3, longest + 1)
    return dg.MetadataValue.md(f"{fence}{language}\n{_visible(cut)}\n{fence}")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"


def _visible(text: str) -> str:
    """Control characters and marks that turn the direction of text are shown as escapes."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> dg.MetadataValue:
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(_cell(value) for value in row)} |" for row in rows]
    return dg.MetadataValue.md("\n".join(lines))


def _cell(value: str) -> str:
    plain = _visible(" ".join(value.split()))
    if len(plain) > _MAX_CELL_CHARS:
        plain = f"{plain[:_MAX_CELL_CHARS]}…"
    for character in "\\|<>[]`*_!":
        plain = plain.replace(character, f"\\{character}")
    return plain


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
