"""Records as table rows, in two forms: JSON-able (what the spool keeps) and typed (what SQL wants).

Text is made storable here: PostgreSQL takes neither NUL nor lone surrogates, and JSON has no NaN. Answers of models
are kept to the character (`escapes.py`). The money columns count what was spent: a replayed call is 0 there, while
the generation's result goes on saying what its answers had cost.
"""

import math
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, Table

from omniclaude_dagster.providers.recorded import is_replayed
from omniclaude_dagster.records.columns import Row, TextUuid, UtcDateTime, Vector
from omniclaude_dagster.records.escapes import escaped
from omniclaude_dagster.records.learned import ReportedRow, VoteRow
from omniclaude_dagster.records.learned_rows import (
    BENCHMARK_SOURCE,
    decisions_of,
    decoded_vector,
    pattern_row,
    reported_row,
    reuse_row,
    strongest,
    vote_row,
    votes_of,
)
from omniclaude_dagster.records.schema import BENCHMARK_TABLES, FIRST_TABLES, REPORTED_TABLES, TABLES, VOTE_TABLES
from omniclaude_dagster.stages.model import BenchmarkOutcome, GenerationRecord, GenerationResult

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

Payload = dict[str, list[Row]]

# What is not a generation: each kind is written on its own.
_OTHER_KINDS = (BENCHMARK_TABLES, VOTE_TABLES, REPORTED_TABLES)


def payload_of(record: GenerationRecord) -> Payload:
    """Rows by table, all values JSON-able. Every id comes from the record, so that a repetition is recognised."""
    generation = _generation(record)
    calls = len(record.model_calls)
    payload: Payload = {
        "generations": [generation],
        "model_performance": [_stage_run(record, index) for index in range(len(record.stage_records))],
        "gate_results": [_gate_result(record, index) for index in range(len(record.gate_results))],
        "model_calls": [_model_call(record, index) for index in range(calls)],
        "quorum_votes": votes_of(record),
        "quorum_decisions": decisions_of(record),
        "patterns": _learned(record),
        "pattern_reuse_stats": [reuse_row(generation, r, model_calls=calls) for r in strongest(record.reuses)],
    }
    return {table: [storable(row) for row in rows] for table, rows in payload.items()}


def payload_of_outcomes(outcomes: Iterable[BenchmarkOutcome]) -> Payload:
    """Rows of benchmark outcomes, all values JSON-able."""
    names = [f.name for f in fields(BenchmarkOutcome)]
    rows = [{name: getattr(outcome, name) for name in names} for outcome in outcomes]
    return {"benchmark_outcomes": [storable(row) for row in rows]}


def payload_of_votes(votes: Iterable[VoteRow]) -> Payload:
    """Rows of votes about cases of a benchmark, all values JSON-able."""
    return {"quorum_votes": [storable(vote_row(vote)) for vote in votes]}


def payload_of_reported(reported: Iterable[ReportedRow]) -> Payload:
    """Rows of runs that another program measured, all values JSON-able."""
    return {"reported_model_performance": [storable(reported_row(row)) for row in reported]}


def storable(value: Any) -> Any:
    """`value` as both databases and JSON can hold it: strings cleaned, non-finite numbers None, times ISO in UTC."""
    if isinstance(value, str):
        cleaned = value.replace("\0", _REPLACEMENT)
        return cleaned.encode("utf-8", "replace").decode() if _has_surrogate(cleaned) else cleaned
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {storable(str(key)): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value


def typed_rows(payload: Mapping[str, Any]) -> dict[str, list[Row]]:
    """The rows with the types the columns want. Raises ValueError on anything that is not a payload of ours."""
    names = set(payload) if isinstance(payload, Mapping) else set()
    for tables in _OTHER_KINDS:
        if names == set(tables):
            return _typed(payload, tables)
    if not FIRST_TABLES <= names <= set(TABLES):
        raise ValueError("not the rows of a generation")
    rows = _typed(payload, TABLES)
    if len(rows["generations"]) != 1 or len(rows["patterns"]) > 1:
        raise ValueError("not exactly one generation with one pattern at most")
    # What cannot be read back is not stored: NaN has become None by now, where a number is needed.
    GenerationResult.model_validate(rows["generations"][0].get("result"))
    return rows


def _typed(payload: Mapping[str, Any], tables: Mapping[str, Table]) -> dict[str, list[Row]]:
    return {name: typed_table(table, payload.get(name, ())) for name, table in tables.items()}


def typed_table(table: Table, rows: Iterable[Any]) -> list[Row]:
    """The rows of one table with the types its columns want. Raises ValueError."""
    return [_typed_row(table, row) for row in rows]


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _typed_row(table: Table, row: Any) -> Row:
    wanted = {column.name for column in table.columns if column.computed is None}
    if not isinstance(row, dict) or set(row) - wanted:
        raise ValueError(f"unknown columns for {table.name}")
    return {name: _typed_value(table, name, value) for name, value in row.items()}


def _typed_value(table: Table, name: str, value: Any) -> Any:
    kind = table.columns[name].type
    if value is None:
        return None
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(value)
    if isinstance(kind, TextUuid):
        return uuid.UUID(value)
    if isinstance(kind, Vector):
        return decoded_vector(value)
    if isinstance(kind, Boolean) and not isinstance(value, bool):
        raise ValueError(f"{table.name}.{name} is not a boolean")  # noqa: TRY004 - one error for all broken rows
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _generation(record: GenerationRecord) -> Row:
    result = record.result
    node = result.node
    return {
        "correlation_id": uuid.UUID(result.correlation_id),
        "request_id": result.request_id,
        "content_hash": record.content_hash,
        "prompt": record.prompt,
        "mode": result.mode,
        "status": result.status,
        "node_kind": _text_or_none(node.get("kind")),
        "node_name": _text_or_none(node.get("name")),
        "class_name": _text_or_none(node.get("class_name")),
        "domain": _text_or_none(node.get("domain")),
        "node_path": _text_or_none(node.get("path")),
        "quality_score": result.quality_score,
        "cost_nanousd": record.cost_nanousd - _replayed_nanousd(record),
        "duration_ms": result.duration_ms,
        "error": result.error,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
        "source": record.source,
        "run_id": record.run_id,
        "session_id": record.session_id,
        "project_name": record.project_name,
        "project_path": record.project_path,
        "result": result.model_dump(mode="python"),
        "logic": record.logic,
        "recipe": record.recipe,
    }


def _learned(record: GenerationRecord) -> list[Row]:
    """The pattern that the generation gives; a benchmark's generations are nobody's earlier work."""
    if record.learned is None or record.source == BENCHMARK_SOURCE:
        return []
    model = record.learned_embedding_model
    return [pattern_row(record.learned, vector=record.learned_vector, embedding_model=model)]


def _replayed_nanousd(record: GenerationRecord, *, stage: str | None = None) -> int:
    """What the record's replayed calls cost when they were made; of one stage, or of all."""
    return sum(c.cost_nanousd for c in record.model_calls if is_replayed(c) and stage in {None, c.stage})


def _stage_run(record: GenerationRecord, index: int) -> Row:
    stage = record.stage_records[index]
    return {
        "id": stage.stage_run_id,
        "correlation_id": uuid.UUID(record.result.correlation_id),
        "stage": stage.stage,
        "stage_name": stage.name,
        "status": stage.status,
        "message": stage.message,
        "model_name": stage.model,
        "tokens_input": stage.tokens_input,
        "tokens_output": stage.tokens_output,
        "latency_ms": stage.latency_ms,
        "cost_nanousd": stage.cost_nanousd - _replayed_nanousd(record, stage=stage.stage),
        "quality_score": stage.quality_score,
        "success": stage.status == "completed",
        "attempts": stage.attempts,
        "timestamp": stage.started_at,
    }


def _gate_result(record: GenerationRecord, index: int) -> Row:
    gate = record.gate_results[index]
    correlation_id = uuid.UUID(record.result.correlation_id)
    return {
        # A gate result has no id of its own; its place in its generation is one.
        "id": uuid.uuid5(correlation_id, f"gate:{index}"),
        "correlation_id": correlation_id,
        "ordinal": index,
        "gate": gate.gate,
        "phase": gate.phase,
        "is_blocking": gate.is_blocking,
        "status": gate.status,
        "message": gate.message,
        "duration_ms": gate.duration_ms,
        "timestamp": record.finished_at,
    }


def _model_call(record: GenerationRecord, index: int) -> Row:
    call = record.model_calls[index]
    return {
        "id": call.call_id,
        "correlation_id": uuid.UUID(record.result.correlation_id),
        "stage": call.stage,
        "model_name": call.model,
        "provider": call.provider,
        "host": call.host,
        "tokens_input": call.tokens_input,
        "tokens_output": call.tokens_output,
        "latency_ms": call.latency_ms,
        "cost_nanousd": 0 if is_replayed(call) else call.cost_nanousd,
        "attempts": call.attempts,
        "success": call.is_success,
        "is_usage_estimated": call.is_usage_estimated,
        "error_kind": call.error_kind,
        "error_message": call.error_message,
        "timestamp": call.started_at,
        "ordinal": index,
        "request_sha256": call.request_sha256,
        "reply_text": None if call.reply_text is None else escaped(call.reply_text),
        "verdict": call.verdict,
    }
