"""What replays a generation (its recipe, and the questions and answers of its model calls), and benchmark outcomes.

Written out in full and independent of schema.py: a migration never changes after it was released.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "r0002"
down_revision = "r0001"
branch_labels = None
depends_on = None

_TIME = sa.DateTime().with_variant(TIMESTAMP(timezone=True), "postgresql")
_UUID = sa.String(36).with_variant(UUID(as_uuid=True), "postgresql")


def upgrade() -> None:
    """Add columns that older rows leave empty, and the table of benchmark outcomes."""
    op.add_column("generations", sa.Column("recipe", sa.Text(), nullable=True))
    op.add_column("model_calls", sa.Column("ordinal", sa.BigInteger(), nullable=True))
    for name in ("request_sha256", "reply_text", "verdict"):
        op.add_column("model_calls", sa.Column(name, sa.Text(), nullable=True))
    op.create_index("ix_model_calls_request_sha256", "model_calls", ["request_sha256"])
    op.create_table(
        "benchmark_outcomes",
        sa.Column("benchmark_run", sa.Text(), primary_key=True),
        sa.Column("task_id", sa.Text(), primary_key=True),
        sa.Column("sample", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("correlation_id", _UUID, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("is_passed", sa.Boolean(), nullable=False),
        sa.Column("quality_score", sa.Double(), nullable=False),
        sa.Column("cost_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("cost_usd", sa.Double(), sa.Computed("cost_nanousd / 1000000000.0", persisted=True), nullable=False),
        sa.Column("duration_ms", sa.Double(), nullable=False),
        sa.Column("model_calls", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("finished_at", _TIME, nullable=False),
        *(
            sa.CheckConstraint(f"{column} >= 0", name=f"{column}_not_negative")
            for column in ("sample", "cost_nanousd", "duration_ms", "model_calls")
        ),
        sa.CheckConstraint("quality_score >= 0 AND quality_score <= 1", name="quality_score_is_share"),
        sa.CheckConstraint("status IN ('published', 'needs_review', 'blocked', 'failed')", name="status_is_known"),
    )
    op.create_index("ix_benchmark_outcomes_correlation_id", "benchmark_outcomes", ["correlation_id"])
    op.create_index("ix_benchmark_outcomes_finished_at", "benchmark_outcomes", ["finished_at"])
    op.create_index("ix_benchmark_outcomes_subject", "benchmark_outcomes", ["subject"])


def downgrade() -> None:
    """Drop them; the rows of the first tables stay."""
    op.drop_table("benchmark_outcomes")
    op.drop_index("ix_model_calls_request_sha256", table_name="model_calls")
    for name in ("verdict", "reply_text", "request_sha256", "ordinal"):
        op.drop_column("model_calls", name)
    op.drop_column("generations", "recipe")
