"""The pattern library and its use, votes and decisions of the quorum, and runs of models that others report.

Written out in full and independent of schema.py: a migration never changes after it was released.
"""

import uuid
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REAL, TIMESTAMP, UUID

revision = "r0003"
down_revision = "r0002"
branch_labels = None
depends_on = None

_TIME = sa.DateTime().with_variant(TIMESTAMP(timezone=True), "postgresql")
_UUID = sa.String(36).with_variant(UUID(as_uuid=True), "postgresql")
_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_VECTOR = sa.LargeBinary().with_variant(ARRAY(REAL()), "postgresql")


def upgrade() -> None:
    """Create the tables; no row of an older table changes."""
    _patterns()
    _pattern_reuse_stats()
    _quorum_votes()
    _quorum_decisions()
    _reported_model_performance()


def downgrade() -> None:
    """Drop them with all that was learned; generations stay."""
    for table in (
        "reported_model_performance",
        "quorum_decisions",
        "quorum_votes",
        "pattern_reuse_stats",
        "pattern_revision",
        "patterns",
    ):
        op.drop_table(table)


def _patterns() -> None:
    op.create_table(
        "patterns",
        sa.Column("pattern_id", _UUID, primary_key=True),
        *_texts("pattern_type", "name", "description", "node_kind", "domain", "function", "code", "inputs", "outputs"),
        *_texts("input_class", "output_class", "contract", "models", "request", "examples", "origin", "core_version"),
        *_texts("source", "request_id", "content_hash", "text", "status", "status_reason", "embedding_model"),
        sa.Column("systems", _JSON, nullable=False),
        sa.Column("quality_score", sa.Double(), nullable=False),
        sa.Column("models_used", _JSON, nullable=False),
        sa.Column("correlation_id", _UUID, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("code_fingerprint", sa.Text(), nullable=False, unique=True),
        sa.Column("reuse_conditions", _JSON, nullable=False),
        sa.Column("usage_count", sa.BigInteger(), nullable=False),
        sa.Column("success_rate", sa.Double(), nullable=False),
        sa.Column("average_quality_score", sa.Double(), nullable=False),
        sa.Column("consecutive_failures", sa.BigInteger(), nullable=False),
        sa.Column("last_used", _TIME, nullable=True),
        sa.Column("embedding", _VECTOR, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        *_not_negative("usage_count", "consecutive_failures", "revision"),
        *_shares("quality_score", "success_rate", "average_quality_score"),
        _one_of("status", "active", "quarantined", "retired"),
        _one_of("source", "generation", "service", "import"),
    )
    for column in ("node_kind", "correlation_id", "status", "revision"):
        op.create_index(f"ix_patterns_{column}", "patterns", [column])
    op.create_index("ix_patterns_created_at_pattern_id", "patterns", ["created_at", "pattern_id"])
    revisions = op.create_table(
        "pattern_revision",
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("library_id", _UUID, nullable=False),
    )
    op.bulk_insert(revisions, [{"id": 1, "value": 0, "library_id": str(uuid.uuid4())}])


def _pattern_reuse_stats() -> None:
    op.create_table(
        "pattern_reuse_stats",
        sa.Column("id", _UUID, primary_key=True),
        sa.Column("correlation_id", _UUID, nullable=False),
        sa.Column("pattern_id", _UUID, nullable=False),
        *_texts("request_id", "role", "detail"),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("reasons", _JSON, nullable=False),
        sa.Column("is_success", sa.Boolean(), nullable=False),
        sa.Column("quality_score", sa.Double(), nullable=False),
        *_money(),
        sa.Column("model_calls", sa.BigInteger(), nullable=False),
        sa.Column("timestamp", _TIME, nullable=False),
        *_not_negative("rank", "cost_nanousd", "model_calls"),
        *_shares("quality_score"),
        _one_of("role", "held_out", "offered", "shown", "rejected", "broken", "reused", "repeated"),
        sa.UniqueConstraint("correlation_id", "pattern_id", name="uq_pattern_reuse_stats_correlation_id_pattern_id"),
    )
    for column in ("correlation_id", "pattern_id", "role", "timestamp"):
        op.create_index(f"ix_pattern_reuse_stats_{column}", "pattern_reuse_stats", [column])


def _quorum_votes() -> None:
    op.create_table(
        "quorum_votes",
        sa.Column("id", _UUID, primary_key=True),
        sa.Column("correlation_id", _UUID, nullable=False),
        *_texts("panel", "seat", "model_name", "abstained_because"),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("deficiencies", _JSON, nullable=False),
        sa.Column("edit", _JSON, nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        *_money(),
        sa.Column("benchmark_run", sa.Text(), nullable=True),
        sa.Column("case_id", sa.Text(), nullable=True),
        sa.Column("is_right", sa.Boolean(), nullable=True),
        sa.Column("timestamp", _TIME, nullable=False),
        *_not_negative("weight", "latency_ms", "cost_nanousd"),
        *_shares("score"),
        _one_of("verdict", "approve", "revise", "reject"),
    )
    for column in ("correlation_id", "benchmark_run", "timestamp"):
        op.create_index(f"ix_quorum_votes_{column}", "quorum_votes", [column])
    op.create_index("ix_quorum_votes_seat_timestamp", "quorum_votes", ["seat", "timestamp"])


def _quorum_decisions() -> None:
    op.create_table(
        "quorum_decisions",
        sa.Column(
            "correlation_id",
            _UUID,
            sa.ForeignKey("generations.correlation_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        *_texts("request_id", "panel", "decision", "reason", "diff", "package_name", "output_dir", "review"),
        sa.Column("review_note", sa.Text(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("participation", sa.Double(), nullable=False),
        sa.Column("dispersion", sa.Double(), nullable=True),
        sa.Column("edits", _JSON, nullable=False),
        sa.Column("files", _JSON, nullable=False),
        sa.Column("reviewed_at", _TIME, nullable=True),
        sa.Column("timestamp", _TIME, nullable=False),
        *_shares("score", "participation"),
        _one_of("decision", "apply", "suggest", "block"),
        _one_of("review", "none", "open", "accepted", "refused"),
    )
    for column in ("request_id", "timestamp"):
        op.create_index(f"ix_quorum_decisions_{column}", "quorum_decisions", [column])
    op.create_index("ix_quorum_decisions_review_timestamp", "quorum_decisions", ["review", "timestamp"])


def _reported_model_performance() -> None:
    op.create_table(
        "reported_model_performance",
        sa.Column("id", _UUID, primary_key=True),
        sa.Column("correlation_id", _UUID, nullable=False),
        *_texts("stage", "model_name", "reported_by"),
        sa.Column("tokens_input", sa.BigInteger(), nullable=False),
        sa.Column("tokens_output", sa.BigInteger(), nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        *_money(),
        sa.Column("quality_score", sa.Double(), nullable=True),
        sa.Column("success", sa.Boolean(), nullable=False),
        sa.Column("timestamp", _TIME, nullable=False),
        *_not_negative("tokens_input", "tokens_output", "latency_ms", "cost_nanousd"),
        *_shares("quality_score"),
    )
    for column in ("correlation_id", "timestamp"):
        op.create_index(f"ix_reported_model_performance_{column}", "reported_model_performance", [column])
    op.create_index(
        "ix_reported_model_performance_model_name_stage", "reported_model_performance", ["model_name", "stage"]
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _money() -> list[sa.Column[Any]]:
    return [
        sa.Column("cost_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("cost_usd", sa.Double(), sa.Computed("cost_nanousd / 1000000000.0", persisted=True), nullable=False),
    ]


def _not_negative(*columns: str) -> list[sa.CheckConstraint]:
    return [sa.CheckConstraint(f"{column} >= 0", name=f"{column}_not_negative") for column in columns]


def _shares(*columns: str) -> list[sa.CheckConstraint]:
    return [sa.CheckConstraint(f"{c} >= 0 AND {c} <= 1", name=f"{c}_is_share") for c in columns]


def _one_of(column: str, *values: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"{column}_is_known")
