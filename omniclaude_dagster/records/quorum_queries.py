"""What is asked of the tables of the quorum, on a connection that `database.py` opened; and the end of a review."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select, update

from omniclaude_dagster.records.columns import Row
from omniclaude_dagster.records.learning_schema import QuorumDecision, QuorumVote
from omniclaude_dagster.records.schema import BenchmarkRow

_NEWEST_FIRST = (QuorumDecision.timestamp.desc(), QuorumDecision.correlation_id)


def decisions(connection: Connection, *, review: str | None, limit: int) -> list[Row]:
    """The newest decisions, of one state of review or of all."""
    query = select(QuorumDecision.__table__).order_by(*_NEWEST_FIRST).limit(max(0, limit))
    return _rows(connection, query if review is None else query.where(QuorumDecision.review == review))


def decision(connection: Connection, request_id: str, correlation_id: uuid.UUID | None) -> Row | None:
    """The newest decision about a request, or the one about a generation."""
    query = select(QuorumDecision.__table__).where(
        or_(QuorumDecision.request_id == request_id, QuorumDecision.correlation_id == correlation_id)
    )
    return next(iter(_rows(connection, query.order_by(*_NEWEST_FIRST).limit(1))), None)


def votes_of(connection: Connection, correlation_id: uuid.UUID) -> list[Row]:
    """The ballots about one generation or case, the weightiest seats first."""
    query = select(QuorumVote.__table__).where(QuorumVote.correlation_id == correlation_id)
    return _rows(connection, query.order_by(QuorumVote.weight.desc(), QuorumVote.seat, QuorumVote.id))


def known_votes(connection: Connection) -> list[Row]:
    """Votes about what is known to be right or wrong, the oldest first; `is_right` then says which.

    Known are cases of a benchmark by themselves, and generations of `bench code` by its hidden tests.
    """
    judged = (
        select(BenchmarkRow.is_passed)
        .where(BenchmarkRow.correlation_id == QuorumVote.correlation_id)
        .order_by(BenchmarkRow.finished_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    is_right = func.coalesce(QuorumVote.is_right, judged)
    others = [c for c in QuorumVote.__table__.columns if c.name != "is_right"]
    query = select(*others, is_right.label("is_right")).where(is_right.is_not(None))
    return _rows(connection, query.order_by(QuorumVote.timestamp, QuorumVote.correlation_id, QuorumVote.seat))


def close_review(connection: Connection, correlation_id: uuid.UUID, *, review: str, note: str, at: datetime) -> bool:
    """End an open review; False when it was not open. Of two at the same time one is told so."""
    statement = update(QuorumDecision).where(
        QuorumDecision.correlation_id == correlation_id, QuorumDecision.review == "open"
    )
    return connection.execute(statement.values(review=review, review_note=note, reviewed_at=at)).rowcount == 1


def _rows(connection: Connection, query: Select[Any]) -> list[Row]:
    return [dict(row) for row in connection.execute(query).mappings()]
