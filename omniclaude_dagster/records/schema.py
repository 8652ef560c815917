"""Tables of the system of record, typed. One schema for SQLite and PostgreSQL.

A generation is written in one transaction with its stage runs, gate results, model calls, votes and what came of
patterns (`learning_schema.py`). Money is integer nano-dollars; `cost_usd` is computed by the database from it.
Changes to these files need a migration: a test compares both.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Computed, Index, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from omniclaude_dagster.records.columns import COST_USD_SQL, Base, at_least_zero, generation_key, one_of, share
from omniclaude_dagster.records.learning_schema import (
    PatternReuseRow,
    PatternRow,
    QuorumDecision,
    QuorumVote,
    ReportedPerformance,
)


class Generation(Base):
    """One generation: what was asked, what came of it, what it cost."""

    __tablename__ = "generations"
    __table_args__ = (
        *at_least_zero("cost_nanousd", "duration_ms"),
        share("quality_score"),
        one_of("status", "published", "needs_review", "blocked", "failed"),
        Index("ix_generations_request_id_finished_at", "request_id", "finished_at"),
        Index("ix_generations_node_kind_status_finished_at", "node_kind", "status", "finished_at"),
    )

    correlation_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    request_id: Mapped[str]
    content_hash: Mapped[str]
    prompt: Mapped[str]
    mode: Mapped[str]
    status: Mapped[str]
    node_kind: Mapped[str | None]
    node_name: Mapped[str | None]
    class_name: Mapped[str | None]
    domain: Mapped[str | None]
    node_path: Mapped[str | None]
    quality_score: Mapped[float]
    cost_nanousd: Mapped[int]
    cost_usd: Mapped[float] = mapped_column(Computed(COST_USD_SQL, persisted=True))
    duration_ms: Mapped[float]
    error: Mapped[str | None]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime] = mapped_column(index=True)
    source: Mapped[str]
    run_id: Mapped[str | None] = mapped_column(index=True)
    session_id: Mapped[str | None]
    project_name: Mapped[str | None]
    project_path: Mapped[str | None]
    result: Mapped[dict[str, Any]]
    logic: Mapped[dict[str, Any]]
    # Text, not JSON: a replay needs the order of keys and the spelling of numbers, which JSONB does not keep.
    recipe: Mapped[str | None]


class ModelPerformance(Base):
    """One run of one stage (requirement F). `success` says that the stage completed."""

    __tablename__ = "model_performance"
    __table_args__ = (
        *at_least_zero("tokens_input", "tokens_output", "latency_ms", "cost_nanousd", "attempts"),
        share("quality_score"),
        one_of("status", "completed", "failed", "skipped"),
        Index("ix_model_performance_model_name_stage", "model_name", "stage"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    correlation_id: Mapped[uuid.UUID] = generation_key()
    stage: Mapped[str]
    stage_name: Mapped[str]
    status: Mapped[str]
    message: Mapped[str]
    model_name: Mapped[str | None]
    tokens_input: Mapped[int]
    tokens_output: Mapped[int]
    latency_ms: Mapped[float]
    cost_nanousd: Mapped[int]
    cost_usd: Mapped[float] = mapped_column(Computed(COST_USD_SQL, persisted=True))
    quality_score: Mapped[float | None]
    success: Mapped[bool]
    attempts: Mapped[int]
    timestamp: Mapped[datetime] = mapped_column(index=True)


class GateOutcome(Base):
    """What one gate said about one generation."""

    __tablename__ = "gate_results"
    __table_args__ = (
        *at_least_zero("duration_ms", "ordinal"),
        one_of("status", "pass", "warn", "fail", "skipped"),
        UniqueConstraint("correlation_id", "ordinal", name="uq_gate_results_correlation_id_ordinal"),
        Index("ix_gate_results_gate_status", "gate", "status"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    correlation_id: Mapped[uuid.UUID] = generation_key()
    ordinal: Mapped[int]
    gate: Mapped[str]
    phase: Mapped[str]
    is_blocking: Mapped[bool]
    status: Mapped[str]
    message: Mapped[str]
    duration_ms: Mapped[float]
    timestamp: Mapped[datetime] = mapped_column(index=True)


class ModelCallRow(Base):
    """One call of one model, also a failed one."""

    __tablename__ = "model_calls"
    __table_args__ = (
        *at_least_zero("tokens_input", "tokens_output", "latency_ms", "cost_nanousd", "attempts"),
        Index("ix_model_calls_model_name_stage", "model_name", "stage"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    correlation_id: Mapped[uuid.UUID] = generation_key()
    stage: Mapped[str]
    model_name: Mapped[str]
    provider: Mapped[str]
    host: Mapped[str]
    tokens_input: Mapped[int]
    tokens_output: Mapped[int]
    latency_ms: Mapped[float]
    cost_nanousd: Mapped[int]
    cost_usd: Mapped[float] = mapped_column(Computed(COST_USD_SQL, persisted=True))
    attempts: Mapped[int]
    success: Mapped[bool]
    is_usage_estimated: Mapped[bool]
    error_kind: Mapped[str | None]
    error_message: Mapped[str | None]
    timestamp: Mapped[datetime] = mapped_column(index=True)
    # Place among the calls of its generation; rows written before it was kept have none, and no answer either.
    ordinal: Mapped[int | None]
    request_sha256: Mapped[str | None] = mapped_column(index=True)
    # As escapes.py writes it.
    reply_text: Mapped[str | None]
    verdict: Mapped[str | None]


class BenchmarkRow(Base):
    """One sample of one task of `bench code`. Its generation may be missing, if it never came to be."""

    __tablename__ = "benchmark_outcomes"
    __table_args__ = (
        *at_least_zero("sample", "cost_nanousd", "duration_ms", "model_calls"),
        share("quality_score"),
        one_of("status", "published", "needs_review", "blocked", "failed"),
    )

    benchmark_run: Mapped[str] = mapped_column(primary_key=True)
    task_id: Mapped[str] = mapped_column(primary_key=True)
    sample: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    correlation_id: Mapped[uuid.UUID] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(index=True)
    status: Mapped[str]
    is_passed: Mapped[bool]
    quality_score: Mapped[float]
    cost_nanousd: Mapped[int]
    cost_usd: Mapped[float] = mapped_column(Computed(COST_USD_SQL, persisted=True))
    duration_ms: Mapped[float]
    model_calls: Mapped[int]
    detail: Mapped[str]
    finished_at: Mapped[datetime] = mapped_column(index=True)


def _tables(*models: type[Base]) -> dict[str, Table]:
    return {model.__tablename__: model.metadata.tables[model.__tablename__] for model in models}


# Parents before children: the order in which the rows of one generation are inserted.
TABLES = _tables(
    Generation, ModelPerformance, GateOutcome, ModelCallRow, QuorumVote, QuorumDecision, PatternRow, PatternReuseRow
)
# The tables that every release has written for a generation; a spooled one of an older release has no others.
FIRST_TABLES = frozenset({"generations", "model_performance", "gate_results", "model_calls"})
# What is not part of a generation, and is written on its own.
BENCHMARK_TABLES = _tables(BenchmarkRow)
# Written on their own too: patterns that came from outside, votes about cases of a benchmark, reported runs.
PATTERN_TABLES = _tables(PatternRow)
VOTE_TABLES = _tables(QuorumVote)
REPORTED_TABLES = _tables(ReportedPerformance)
