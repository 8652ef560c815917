"""What is asked of the records' tables, on a connection that `database.py` opened. Gives rows, writes nothing."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select

from omniclaude_dagster.providers.recorded import REPLAY_PROVIDER
from omniclaude_dagster.records.columns import Row
from omniclaude_dagster.records.rows import storable
from omniclaude_dagster.records.schema import BenchmarkRow, Generation, ModelCallRow


def newest_generation(
    connection: Connection, request_id: str, *, is_delivered: bool = False
) -> dict[str, list[Row]] | None:
    """The last generation of a request and its model calls in order, by table.

    `is_delivered`: the last one that left files.
    """
    newest = (
        select(Generation.__table__)
        .where(Generation.request_id == storable(request_id))
        .order_by(Generation.finished_at.desc(), Generation.correlation_id)
        .limit(1)
    )
    if is_delivered:
        newest = newest.where(Generation.node_path.is_not(None))
    generations = _rows(connection, newest)
    if not generations:
        return None
    calls = (
        select(ModelCallRow.__table__)
        .where(ModelCallRow.correlation_id == generations[0]["correlation_id"])
        .order_by(ModelCallRow.ordinal, ModelCallRow.timestamp)
    )
    return {"generations": generations, "model_calls": _rows(connection, calls)}


def generations_by_id(connection: Connection, correlation_ids: Sequence[uuid.UUID]) -> list[Row]:
    """The generations with these ids, in this order; those that are gone are left out."""
    if not correlation_ids:
        return []
    rows = _rows(connection, select(Generation.__table__).where(Generation.correlation_id.in_(correlation_ids)))
    found = {row["correlation_id"]: row for row in rows}
    return [found[key] for key in correlation_ids if key in found]


def calls_that_asked(connection: Connection, request_sha256: str, session_id: str | None) -> list[Row]:
    """Every call that a model really answered to this question, the oldest first."""
    query = (
        select(ModelCallRow.__table__)
        .where(ModelCallRow.request_sha256 == request_sha256, ModelCallRow.provider != REPLAY_PROVIDER)
        .order_by(ModelCallRow.timestamp, ModelCallRow.correlation_id, ModelCallRow.ordinal)
    )
    return _rows(connection, _of_session(query, session_id))


def models_that_answered(connection: Connection, session_id: str | None) -> tuple[str, ...]:
    """Names of the models with recorded answers, in the order in which they were first asked."""
    query = (
        select(ModelCallRow.model_name)
        .where(ModelCallRow.request_sha256.is_not(None), ModelCallRow.provider != REPLAY_PROVIDER)
        .group_by(ModelCallRow.model_name)
        .order_by(func.min(ModelCallRow.timestamp), ModelCallRow.model_name)
    )
    return tuple(connection.scalars(_of_session(query, session_id)).all())


def outcomes_of_run(connection: Connection, benchmark_run: str) -> list[Row]:
    """The outcomes of one benchmark run."""
    return _rows(connection, select(BenchmarkRow.__table__).where(BenchmarkRow.benchmark_run == benchmark_run))


def _of_session[Q: Select[Any]](query: Q, session_id: str | None) -> Q:
    if session_id is None:
        return query
    return query.join(Generation.__table__).where(Generation.session_id == storable(session_id))


def _rows(connection: Connection, query: Select[Any]) -> list[Row]:
    return [{str(name): value for name, value in row.items()} for row in connection.execute(query).mappings()]
