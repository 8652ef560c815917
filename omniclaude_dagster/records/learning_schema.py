"""Tables of what is learned: patterns and their use, votes and decisions of the quorum, runs reported from outside."""

import uuid
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Computed, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from omniclaude_dagster.records.columns import COST_USD_SQL, Base, Vector, at_least_zero, one_of, share


class PatternRow(Base):
    """One pattern of the library and what became of it. Content never changes; the last ten columns do."""

    __tablename__ = "patterns"
    __table_args__ = (
        *at_least_zero("usage_count", "consecutive_failures", "revision"),
        *(share(column) for column in ("quality_score", "success_rate", "average_quality_score")),
        one_of("status", "active", "quarantined", "retired"),
        one_of("source", "generation", "service", "import"),
        Index("ix_patterns_created_at_pattern_id", "created_at", "pattern_id"),
    )

    pattern_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    pattern_type: Mapped[str]
    name: Mapped[str]
    description: Mapped[str]
    node_kind: Mapped[str] = mapped_column(index=True)
    domain: Mapped[str]
    systems: Mapped[list[Any]]
    function: Mapped[str]
    code: Mapped[str]
    # Text, not JSON, where the order of keys and the spelling of numbers are part of what was hashed.
    inputs: Mapped[str]
    outputs: Mapped[str]
    input_class: Mapped[str]
    output_class: Mapped[str]
    contract: Mapped[str]
    models: Mapped[str]
    request: Mapped[str]
    examples: Mapped[str]
    origin: Mapped[str]
    quality_score: Mapped[float]
    models_used: Mapped[list[Any]]
    core_version: Mapped[str]
    source: Mapped[str]
    request_id: Mapped[str]
    correlation_id: Mapped[uuid.UUID] = mapped_column(index=True)
    created_at: Mapped[datetime]
    content_hash: Mapped[str]
    code_fingerprint: Mapped[str] = mapped_column(unique=True)
    reuse_conditions: Mapped[list[Any]]
    # What is searched; computed once.
    text: Mapped[str]
    status: Mapped[str] = mapped_column(index=True)
    status_reason: Mapped[str]
    usage_count: Mapped[int]
    success_rate: Mapped[float]
    average_quality_score: Mapped[float]
    consecutive_failures: Mapped[int]
    last_used: Mapped[datetime | None]
    embedding_model: Mapped[str]
    embedding: Mapped[NDArray[np.float32] | None] = mapped_column(Vector())
    revision: Mapped[int] = mapped_column(index=True)


class PatternRevision(Base):
    """One row: the number of the last change of any pattern. Locking it puts changes in order of their commit.

    `library_id` tells this database's library from every other one where several share a vector index.
    """

    __tablename__ = "pattern_revision"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[int]
    library_id: Mapped[uuid.UUID]


class PatternReuseRow(Base):
    """What came of one pattern in one generation (requirement F, pattern_reuse_stats)."""

    __tablename__ = "pattern_reuse_stats"
    __table_args__ = (
        *at_least_zero("rank", "cost_nanousd", "model_calls"),
        share("quality_score"),
        one_of("role", "held_out", "offered", "shown", "rejected", "broken", "reused", "repeated"),
        UniqueConstraint("correlation_id", "pattern_id", name="uq_pattern_reuse_stats_correlation_id_pattern_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    # No foreign keys: another service's generation is not in these records, and a purged pattern leaves its history.
    correlation_id: Mapped[uuid.UUID] = mapped_column(index=True)
    pattern_id: Mapped[uuid.UUID] = mapped_column(index=True)
    request_id: Mapped[str]
    role: Mapped[str] = mapped_column(index=True)
    rank: Mapped[int]
    score: Mapped[float]
    reasons: Mapped[list[Any]]
    detail: Mapped[str]
    # Of the generation: whether it was published, its quality, cost and calls of models.
    is_success: Mapped[bool]
    quality_score: Mapped[float]
    cost_nanousd: Mapped[int]
    cost_usd: Mapped[float] = mapped_column(Computed(COST_USD_SQL, persisted=True))
    model_calls: Mapped[int]
    timestamp: Mapped[datetime] = mapped_column(index=True)


class QuorumVote(Base):
    """One ballot of one seat, an abstention too. `is_right`: known truth of what was judged, where there is one."""

    __tablename__ = "quorum_votes"
    __table_args__ = (
        *at_least_zero("weight", "latency_ms", "cost_nanousd"),
        share("score"),
        one_of("verdict", "approve", "revise", "reject"),
        Index("ix_quorum_votes_seat_timestamp", "seat", "timestamp"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    # Of the generation, or of the case of a benchmark: no foreign key.
    correlation_id: Mapped[uuid.UUID] = mapped_column(index=True)
    panel: Mapped[str]
    seat: Mapped[str]
    model_name: Mapped[str]
    weight: Mapped[float]
    score: Mapped[float | None]
    verdict: Mapped[str | None]
    abstained_because: Mapped[str]
    deficiencies: Mapped[list[Any]]
    edit: Mapped[dict[str, Any]]
    latency_ms: Mapped[float]
    cost_nanousd: Mapped[int]
    cost_usd: Mapped[float] = mapped_column(Computed(COST_USD_SQL, persisted=True))
    benchmark_run: Mapped[str | None] = mapped_column(index=True)
    case_id: Mapped[str | None]
    is_right: Mapped[bool | None]
    timestamp: Mapped[datetime] = mapped_column(index=True)


class QuorumDecision(Base):
    """What the quorum decided about one generation, and what a person decided about that."""

    __tablename__ = "quorum_decisions"
    __table_args__ = (
        share("score"),
        share("participation"),
        one_of("decision", "apply", "suggest", "block"),
        one_of("review", "none", "open", "accepted", "refused"),
        Index("ix_quorum_decisions_review_timestamp", "review", "timestamp"),
    )

    correlation_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("generations.correlation_id", ondelete="CASCADE"), primary_key=True
    )
    request_id: Mapped[str] = mapped_column(index=True)
    panel: Mapped[str]
    decision: Mapped[str]
    score: Mapped[float | None]
    participation: Mapped[float]
    dispersion: Mapped[float | None]
    reason: Mapped[str]
    # Edits with what their execution showed; the one that was applied or suggested says so.
    edits: Mapped[list[Any]]
    diff: Mapped[str]
    # The node as it would be delivered on acceptance: path to text; empty where there is nothing to accept.
    package_name: Mapped[str]
    files: Mapped[dict[str, Any]]
    output_dir: Mapped[str]
    review: Mapped[str]
    review_note: Mapped[str]
    reviewed_at: Mapped[datetime | None]
    timestamp: Mapped[datetime] = mapped_column(index=True)


class ReportedPerformance(Base):
    """A run of a model that another program measured and reported; kept apart from what was measured here."""

    __tablename__ = "reported_model_performance"
    __table_args__ = (
        *at_least_zero("tokens_input", "tokens_output", "latency_ms", "cost_nanousd"),
        share("quality_score"),
        Index("ix_reported_model_performance_model_name_stage", "model_name", "stage"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    correlation_id: Mapped[uuid.UUID] = mapped_column(index=True)
    stage: Mapped[str]
    model_name: Mapped[str]
    tokens_input: Mapped[int]
    tokens_output: Mapped[int]
    latency_ms: Mapped[float]
    cost_nanousd: Mapped[int]
    cost_usd: Mapped[float] = mapped_column(Computed(COST_USD_SQL, persisted=True))
    quality_score: Mapped[float | None]
    success: Mapped[bool]
    reported_by: Mapped[str]
    timestamp: Mapped[datetime] = mapped_column(index=True)
