"""Tables of the system of record, typed. One schema for SQLite and PostgreSQL.

A generation is written in one transaction with its stage runs, gate results and model calls. Money is integer
nano-dollars; `cost_usd` is computed by the database from it. Changes to this file need a migration:
a test compares both.
"""

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Computed,
    Dialect,
    Double,
    ForeignKey,
    Index,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column
from sqlalchemy.types import DateTime, TypeEngine


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored in UTC: timestamptz on PostgreSQL, sortable text on SQLite."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column type of the dialect."""
        return dialect.type_descriptor(TIMESTAMP(timezone=True) if dialect.name == "postgresql" else DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times: nobody could say later which clock they meant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the base class names it
        """Aware, in UTC, from either database."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class TextUuid(TypeDecorator[uuid.UUID]):
    """A UUID: native on PostgreSQL, its 36 readable characters on SQLite."""

    impl = String(36)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column type of the dialect."""
        return dialect.type_descriptor(UUID(as_uuid=True) if dialect.name == "postgresql" else String(36))

    def process_bind_param(self, value: uuid.UUID | None, dialect: Dialect) -> Any:
        """Native or text."""
        return value if value is None or dialect.name == "postgresql" else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> uuid.UUID | None:  # noqa: ARG002 - the base class names it
        """Always a UUID."""
        return value if value is None or isinstance(value, uuid.UUID) else uuid.UUID(value)


JSON_DOCUMENT = JSON().with_variant(JSONB(), "postgresql")
COST_USD_SQL = "cost_nanousd / 1000000000.0"


class Base(DeclarativeBase):
    """Common type map."""

    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own contract: a class attribute
        str: Text(),
        int: BigInteger(),
        float: Double(),
        datetime: UtcDateTime(),
        uuid.UUID: TextUuid(),
        dict[str, Any]: JSON_DOCUMENT,
    }


def _at_least_zero(*columns: str) -> list[CheckConstraint]:
    return [CheckConstraint(f"{column} >= 0", name=f"{column}_not_negative") for column in columns]


def _share(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} >= 0 AND {column} <= 1", name=f"{column}_is_share")


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_is_known")


def _generation_key() -> MappedColumn[uuid.UUID]:
    return mapped_column(ForeignKey("generations.correlation_id", ondelete="CASCADE"), index=True)


class Generation(Base):
    """One generation: what was asked, what came of it, what it cost."""

    __tablename__ = "generations"
    __table_args__ = (
        *_at_least_zero("cost_nanousd", "duration_ms"),
        _share("quality_score"),
        _one_of("status", "published", "needs_review", "blocked", "failed"),
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
        *_at_least_zero("tokens_input", "tokens_output", "latency_ms", "cost_nanousd", "attempts"),
        _share("quality_score"),
        _one_of("status", "completed", "failed", "skipped"),
        Index("ix_model_performance_model_name_stage", "model_name", "stage"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    correlation_id: Mapped[uuid.UUID] = _generation_key()
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
        *_at_least_zero("duration_ms", "ordinal"),
        _one_of("status", "pass", "warn", "fail", "skipped"),
        UniqueConstraint("correlation_id", "ordinal", name="uq_gate_results_correlation_id_ordinal"),
        Index("ix_gate_results_gate_status", "gate", "status"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    correlation_id: Mapped[uuid.UUID] = _generation_key()
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
        *_at_least_zero("tokens_input", "tokens_output", "latency_ms", "cost_nanousd", "attempts"),
        Index("ix_model_calls_model_name_stage", "model_name", "stage"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    correlation_id: Mapped[uuid.UUID] = _generation_key()
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
        *_at_least_zero("sample", "cost_nanousd", "duration_ms", "model_calls"),
        _share("quality_score"),
        _one_of("status", "published", "needs_review", "blocked", "failed"),
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


# Parents before children: the order in which the rows of one generation are inserted.
TABLES = {
    model.__tablename__: model.metadata.tables[model.__tablename__]
    for model in (Generation, ModelPerformance, GateOutcome, ModelCallRow)
}
# What is not part of a generation, and is written on its own.
BENCHMARK_TABLES = {BenchmarkRow.__tablename__: BenchmarkRow.metadata.tables[BenchmarkRow.__tablename__]}
