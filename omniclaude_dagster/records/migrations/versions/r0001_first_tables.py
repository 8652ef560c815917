"""First tables: generations, stage runs, gate results, model calls.

Written out in full and independent of schema.py: a migration never changes after it was released.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None

_TIME = sa.DateTime().with_variant(TIMESTAMP(timezone=True), "postgresql")
_UUID = sa.String(36).with_variant(UUID(as_uuid=True), "postgresql")
_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_COST_USD = "cost_nanousd / 1000000000.0"


def _column(name: str, kind: sa.types.TypeEngine[Any], *, is_nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=is_nullable)


def _cost_columns() -> list[sa.Column[Any]]:
    return [
        _column("cost_nanousd", sa.BigInteger()),
        sa.Column("cost_usd", sa.Double(), sa.Computed(_COST_USD, persisted=True), nullable=False),
    ]


def _texts(*names: str, is_nullable: bool = False) -> list[sa.Column[Any]]:
    return [_column(name, sa.Text(), is_nullable=is_nullable) for name in names]


def _at_least_zero(*columns: str) -> list[sa.CheckConstraint]:
    return [sa.CheckConstraint(f"{column} >= 0", name=f"{column}_not_negative") for column in columns]


def _share(column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} >= 0 AND {column} <= 1", name=f"{column}_is_share")


def _status(values: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"status IN ({values})", name="status_is_known")


def _to_generation() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["correlation_id"], ["generations.correlation_id"], ondelete="CASCADE")


def upgrade() -> None:
    """Make the four tables and their indexes."""
    _generations()
    _model_performance()
    _gate_results()
    _model_calls()


def _generations() -> None:
    op.create_table(
        "generations",
        sa.Column("correlation_id", _UUID, primary_key=True),
        *_texts("request_id", "content_hash", "prompt", "mode", "status"),
        *_texts("node_kind", "node_name", "class_name", "domain", "node_path", is_nullable=True),
        _column("quality_score", sa.Double()),
        *_cost_columns(),
        _column("duration_ms", sa.Double()),
        *_texts("error", is_nullable=True),
        _column("started_at", _TIME),
        _column("finished_at", _TIME),
        *_texts("source"),
        *_texts("run_id", "session_id", "project_name", "project_path", is_nullable=True),
        _column("result", _JSON),
        _column("logic", _JSON),
        *_at_least_zero("cost_nanousd", "duration_ms"),
        _share("quality_score"),
        _status("'published', 'needs_review', 'blocked', 'failed'"),
    )
    op.create_index("ix_generations_request_id_finished_at", "generations", ["request_id", "finished_at"])
    op.create_index(
        "ix_generations_node_kind_status_finished_at", "generations", ["node_kind", "status", "finished_at"]
    )
    op.create_index("ix_generations_finished_at", "generations", ["finished_at"])
    op.create_index("ix_generations_run_id", "generations", ["run_id"])


def _model_performance() -> None:
    op.create_table(
        "model_performance",
        sa.Column("id", _UUID, primary_key=True),
        _column("correlation_id", _UUID),
        *_texts("stage", "stage_name", "status", "message"),
        *_texts("model_name", is_nullable=True),
        _column("tokens_input", sa.BigInteger()),
        _column("tokens_output", sa.BigInteger()),
        _column("latency_ms", sa.Double()),
        *_cost_columns(),
        _column("quality_score", sa.Double(), is_nullable=True),
        _column("success", sa.Boolean()),
        _column("attempts", sa.BigInteger()),
        _column("timestamp", _TIME),
        _to_generation(),
        *_at_least_zero("tokens_input", "tokens_output", "latency_ms", "cost_nanousd", "attempts"),
        _share("quality_score"),
        _status("'completed', 'failed', 'skipped'"),
    )
    op.create_index("ix_model_performance_model_name_stage", "model_performance", ["model_name", "stage"])
    op.create_index("ix_model_performance_timestamp", "model_performance", ["timestamp"])
    op.create_index("ix_model_performance_correlation_id", "model_performance", ["correlation_id"])


def _gate_results() -> None:
    op.create_table(
        "gate_results",
        sa.Column("id", _UUID, primary_key=True),
        _column("correlation_id", _UUID),
        _column("ordinal", sa.BigInteger()),
        *_texts("gate", "phase"),
        _column("is_blocking", sa.Boolean()),
        *_texts("status", "message"),
        _column("duration_ms", sa.Double()),
        _column("timestamp", _TIME),
        _to_generation(),
        sa.UniqueConstraint("correlation_id", "ordinal", name="uq_gate_results_correlation_id_ordinal"),
        *_at_least_zero("duration_ms", "ordinal"),
        _status("'pass', 'warn', 'fail', 'skipped'"),
    )
    op.create_index("ix_gate_results_gate_status", "gate_results", ["gate", "status"])
    op.create_index("ix_gate_results_timestamp", "gate_results", ["timestamp"])
    op.create_index("ix_gate_results_correlation_id", "gate_results", ["correlation_id"])


def _model_calls() -> None:
    op.create_table(
        "model_calls",
        sa.Column("id", _UUID, primary_key=True),
        _column("correlation_id", _UUID),
        *_texts("stage", "model_name", "provider", "host"),
        _column("tokens_input", sa.BigInteger()),
        _column("tokens_output", sa.BigInteger()),
        _column("latency_ms", sa.Double()),
        *_cost_columns(),
        _column("attempts", sa.BigInteger()),
        _column("success", sa.Boolean()),
        _column("is_usage_estimated", sa.Boolean()),
        *_texts("error_kind", "error_message", is_nullable=True),
        _column("timestamp", _TIME),
        _to_generation(),
        *_at_least_zero("tokens_input", "tokens_output", "latency_ms", "cost_nanousd", "attempts"),
    )
    op.create_index("ix_model_calls_model_name_stage", "model_calls", ["model_name", "stage"])
    op.create_index("ix_model_calls_timestamp", "model_calls", ["timestamp"])
    op.create_index("ix_model_calls_correlation_id", "model_calls", ["correlation_id"])


def downgrade() -> None:
    """Drop the tables, children first."""
    for table in ("model_calls", "gate_results", "model_performance", "generations"):
        op.drop_table(table)
