"""Rows of the records as the objects they were made from: model calls, earlier generations, benchmark outcomes.

Asks no database; `repository.py` does.
"""

from collections.abc import Mapping
from typing import Any

from omniclaude_dagster.providers.model import ModelCall
from omniclaude_dagster.records.escapes import unescaped
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.stages.model import BenchmarkOutcome, EarlierGeneration

type StoredRow = Mapping[str, Any]


def model_call(row: StoredRow) -> ModelCall:
    """The call of a row of `model_calls`."""
    reply = row.get("reply_text")
    return ModelCall(
        correlation_id=row["correlation_id"],
        stage=row["stage"],
        model=row["model_name"],
        provider=row["provider"],
        host=row["host"],
        tokens_input=row["tokens_input"],
        tokens_output=row["tokens_output"],
        latency_ms=row["latency_ms"],
        cost_nanousd=row["cost_nanousd"],
        attempts=row["attempts"],
        is_success=row["success"],
        is_usage_estimated=row["is_usage_estimated"],
        error_kind=row["error_kind"],
        error_message=row["error_message"],
        request_sha256=row.get("request_sha256"),
        reply_text=None if reply is None else unescaped(reply),
        verdict=row.get("verdict"),
        call_id=row["id"],
        started_at=row["timestamp"],
    )


def earlier_generation(row: StoredRow) -> EarlierGeneration:
    """The generation of a row of `generations`, as stage 1.5 sees it."""
    logic = dict(row["logic"])
    return EarlierGeneration(
        request_id=row["request_id"],
        node_kind=NodeKind(row["node_kind"]),
        name=row["node_name"] or "",
        domain=row["domain"] or "",
        description=str(logic.get("description") or row["prompt"]),
        quality_score=row["quality_score"],
        logic=logic,
        correlation_id=row["correlation_id"],
    )


def benchmark_outcome(row: StoredRow) -> BenchmarkOutcome:
    """The outcome of a row of `benchmark_outcomes`."""
    names = BenchmarkOutcome.__dataclass_fields__
    return BenchmarkOutcome(**{name: row[name] for name in names})
