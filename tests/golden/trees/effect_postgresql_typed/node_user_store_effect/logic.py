"""Business logic of NodeUserStoreEffect: one SQL statement for each operation.

Names are quoted and values are bound by psycopg; nothing is pasted into SQL text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from psycopg import AsyncConnection, Error, OperationalError, errors, sql
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb
from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from .enums import EnumUserStoreOperation
from .models import ModelUserStoreConfig, ModelUserStoreInput, ModelUserStoreOutput

Rows = list[dict[str, JsonValue]]
Statement = tuple[sql.Composed, list[object]]


class ProtocolSession(Protocol):
    """An open database session; tests put their own in its place."""

    async def run(self, statement: sql.Composed, parameters: list[object]) -> tuple[int, Rows]:
        """Run one statement and give the rows it touched and returned."""
        ...

    async def close(self) -> None:
        """Give the connection back."""
        ...


OpenSession = Callable[[ModelUserStoreConfig], Awaitable[ProtocolSession]]


class PostgresSession:
    """A session on a real server; each statement is a transaction of its own."""

    def __init__(self, connection: AsyncConnection[DictRow]) -> None:
        self._connection = connection

    async def run(self, statement: sql.Composed, parameters: list[object]) -> tuple[int, Rows]:
        """Run one statement; errors become ModelOnexError with the server's own words."""
        try:
            cursor = await self._connection.execute(statement, parameters)
            rows = await cursor.fetchall() if cursor.description else []
        except errors.QueryCanceled as exc:
            raise ModelOnexError(
                message="the statement took longer than its limit", error_code=EnumCoreErrorCode.TIMEOUT_ERROR
            ) from exc
        except Error as exc:
            raise ModelOnexError(
                message=f"the database refused the statement: {exc.diag.message_primary or type(exc).__name__}",
                error_code=EnumCoreErrorCode.DATABASE_OPERATION_ERROR,
                sqlstate=exc.sqlstate,
            ) from exc
        return cursor.rowcount, to_jsonable_python(rows)

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()


async def open_session(config: ModelUserStoreConfig) -> ProtocolSession:
    """Connect; an unreachable server is tried again with growing pauses, wrong credentials are not."""
    for attempt in range(1, config.max_attempts + 1):
        try:
            connection = await AsyncConnection.connect(
                config.dsn.get_secret_value(),
                autocommit=True,
                row_factory=dict_row,
                connect_timeout=config.connect_timeout_s,
                options=f"-c statement_timeout={config.statement_timeout_ms}",
            )
        except OperationalError as exc:
            is_hopeless = "authentication failed" in str(exc) or "does not exist" in str(exc)
            if is_hopeless or attempt == config.max_attempts:
                reason = "the server refused the credentials or the database" if is_hopeless else "no answer"
                # `from None`: the original message may repeat the connection string.
                raise ModelOnexError(
                    message=f"PostgreSQL cannot be reached ({reason}) after {attempt} attempts; check POSTGRES_DSN",
                    error_code=EnumCoreErrorCode.DATABASE_CONNECTION_ERROR,
                ) from None
            await asyncio.sleep(config.retry_pause_s * 2 ** (attempt - 1))
        else:
            return PostgresSession(connection)
    raise ModelOnexError(message="max_attempts must be at least 1", error_code=EnumCoreErrorCode.CONFIGURATION_ERROR)


async def perform(
    request: ModelUserStoreInput, config: ModelUserStoreConfig, *, open_session: OpenSession = open_session
) -> ModelUserStoreOutput:
    """Carry out one operation in a session of its own."""
    statement, parameters = build_statement(request)
    session = await open_session(config)
    try:
        rows_affected, rows = await session.run(statement, parameters)
    finally:
        await session.close()
    return ModelUserStoreOutput(operation=request.operation, rows_affected=max(rows_affected, 0), rows=rows)


def build_statement(request: ModelUserStoreInput) -> Statement:
    """SQL and parameters of the operation. Raises ModelOnexError when the request lacks what it needs."""
    return _BUILDERS[request.operation](request)


def _column_values(request: ModelUserStoreInput) -> dict[str, object]:
    return {
        "user_id": _adapted(request.user_id),
        "email": _adapted(request.email),
        "age": _adapted(request.age),
        "is_active": _adapted(request.is_active),
        "created_at": _adapted(request.created_at),
    }


def _adapted(value: object) -> object:
    return Jsonb(value) if isinstance(value, dict | list) else value


def _invalid(message: str) -> ModelOnexError:
    return ModelOnexError(message=message, error_code=EnumCoreErrorCode.VALIDATION_ERROR)


def _table(request: ModelUserStoreInput) -> sql.Identifier:
    return sql.Identifier(*request.table.split("."))


def _insert(request: ModelUserStoreInput) -> Statement:
    values = _column_values(request)
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        _table(request),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(sql.Placeholder() * len(values)),
    )
    return statement, list(values.values())


def _upsert(request: ModelUserStoreInput) -> Statement:
    if not request.conflict_columns:
        raise _invalid("an upsert needs conflict_columns")
    statement, parameters = _insert(request)
    changed = [name for name in _column_values(request) if name not in request.conflict_columns]
    conflict = sql.SQL(", ").join(map(sql.Identifier, request.conflict_columns))
    if not changed:
        return statement + sql.SQL(" ON CONFLICT ({}) DO NOTHING").format(conflict), parameters
    assignments = [sql.SQL("{} = EXCLUDED.{}").format(sql.Identifier(n), sql.Identifier(n)) for n in changed]
    tail = sql.SQL(" ON CONFLICT ({}) DO UPDATE SET {}").format(conflict, sql.SQL(", ").join(assignments))
    return statement + tail, parameters


def _condition(request: ModelUserStoreInput) -> Statement:
    parts = [
        sql.SQL("{} IS NULL").format(sql.Identifier(name))
        if value is None
        else sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder())
        for name, value in request.match.items()
    ]
    parameters = [_adapted(value) for value in request.match.values() if value is not None]
    return sql.SQL(" WHERE {}").format(sql.SQL(" AND ").join(parts)), parameters


def _update(request: ModelUserStoreInput) -> Statement:
    if not request.match:
        raise _invalid("an update needs match: it never changes a whole table")
    values = _column_values(request)
    assignments = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder()) for name in values]
    condition, parameters = _condition(request)
    statement = sql.SQL("UPDATE {} SET {}").format(_table(request), sql.SQL(", ").join(assignments))
    return statement + condition, [*values.values(), *parameters]


def _delete(request: ModelUserStoreInput) -> Statement:
    if not request.match:
        raise _invalid("a delete needs match: it never empties a whole table")
    condition, parameters = _condition(request)
    return sql.SQL("DELETE FROM {}").format(_table(request)) + condition, parameters


def _select(request: ModelUserStoreInput) -> Statement:
    statement = sql.SQL("SELECT * FROM {}").format(_table(request))
    parameters: list[object] = []
    if request.match:
        condition, parameters = _condition(request)
        statement += condition
    return statement + sql.SQL(" LIMIT {}").format(sql.Placeholder()), [*parameters, request.limit]


_BUILDERS: dict[EnumUserStoreOperation, Callable[[ModelUserStoreInput], Statement]] = {
    EnumUserStoreOperation.INSERT: _insert,
    EnumUserStoreOperation.UPSERT: _upsert,
    EnumUserStoreOperation.UPDATE: _update,
    EnumUserStoreOperation.DELETE: _delete,
    EnumUserStoreOperation.SELECT: _select,
}
