"""How NodeMoneyMoverEffect speaks to PostgreSQL.

Imported on first use: it needs psycopg.
"""

from __future__ import annotations

from collections.abc import Sequence

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from psycopg import AsyncConnection, Error, IsolationLevel, OperationalError, ProgrammingError, errors
from psycopg.rows import DictRow, dict_row
from pydantic_core import to_jsonable_python

from .logic import LostAnswerError, PassingFaultError, ProtocolSession, Rows, Statement
from .models import ModelMoneyMoverConfig

_CREDENTIAL_COMPLAINTS = ("authentication failed", "no password supplied", "no pg_hba.conf entry", "role ")


class PostgresSession:
    """A session on a real server."""

    def __init__(self, connection: AsyncConnection[DictRow]) -> None:
        self._connection = connection

    async def run(self, statements: Sequence[Statement]) -> list[tuple[int, Rows]]:
        """Run one statement, or several in one transaction; errors keep the server's own words."""
        if len(statements) > 1:
            return await self._run_together(statements)
        try:
            return [await self._execute(statement) for statement in statements]
        except Error as exc:
            raise _explained(exc, is_undone=False) from exc

    async def _run_together(self, statements: Sequence[Statement]) -> list[tuple[int, Rows]]:
        is_committing = False
        try:
            async with self._connection.transaction():
                results = [await self._execute(statement) for statement in statements]
                is_committing = True
        except Error as exc:
            # What broke before the commit was rolled back by the server.
            raise _explained(exc, is_undone=not is_committing) from exc
        return results

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()

    async def _execute(self, statement: Statement) -> tuple[int, Rows]:
        cursor = await self._connection.execute(statement.sql, statement.parameters)
        rows = await cursor.fetchall() if cursor.description else []
        if statement.expected_rows not in {None, cursor.rowcount}:
            raise ModelOnexError(
                message=f"a statement touched {cursor.rowcount} rows instead of {statement.expected_rows}; "
                "all was undone",
                error_code=EnumCoreErrorCode.INVALID_STATE,
                statement=statement.sql.as_string(None),
            )
        return cursor.rowcount, to_jsonable_python(rows)


def _explained(error: Error, *, is_undone: bool) -> ModelOnexError:
    words = error.diag.message_primary or str(error) or type(error).__name__
    if isinstance(error, errors.QueryCanceled):
        return ModelOnexError(
            message="a statement took longer than its limit", error_code=EnumCoreErrorCode.TIMEOUT_ERROR
        )
    if isinstance(error, errors.SerializationFailure | errors.DeadlockDetected):
        return PassingFaultError(
            message=f"other transactions were in the way: {words}",
            error_code=EnumCoreErrorCode.DATABASE_OPERATION_ERROR,
            sqlstate=error.sqlstate,
        )
    if isinstance(error, OperationalError) and (error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))):
        kind = PassingFaultError if is_undone else LostAnswerError
        return kind(
            message=f"the connection to PostgreSQL broke: {words}",
            error_code=EnumCoreErrorCode.DATABASE_CONNECTION_ERROR,
        )
    return ModelOnexError(
        message=f"the database refused the statement: {words}",
        error_code=EnumCoreErrorCode.DATABASE_OPERATION_ERROR,
        sqlstate=error.sqlstate,
    )


async def connect(config: ModelMoneyMoverConfig) -> ProtocolSession:
    """One attempt to connect; refused, unreachable and slow servers are told apart."""
    # Every `from None`: the original message may repeat the connection string.
    try:
        connection = await AsyncConnection.connect(
            config.dsn.get_secret_value(),
            autocommit=True,
            row_factory=dict_row,
            connect_timeout=config.connect_timeout_s,
            options=f"-c statement_timeout={config.statement_timeout_ms}",
        )
    except ProgrammingError:
        raise ModelOnexError(
            message="POSTGRES_DSN is no connection string; it looks like postgresql://user:password@host:5432/database",
            error_code=EnumCoreErrorCode.CONFIGURATION_ERROR,
        ) from None
    except errors.ConnectionTimeout:
        raise PassingFaultError(
            message=f"PostgreSQL did not answer within {config.connect_timeout_s} s; check the host in POSTGRES_DSN",
            error_code=EnumCoreErrorCode.TIMEOUT_ERROR,
        ) from None
    except OperationalError as exc:
        raise _unconnected(str(exc)) from None
    await connection.set_isolation_level(IsolationLevel[config.isolation_level])
    return PostgresSession(connection)


def _unconnected(complaint: str) -> ModelOnexError:
    if any(words in complaint for words in _CREDENTIAL_COMPLAINTS):
        return ModelOnexError(
            message="PostgreSQL refused the credentials; check user and password in POSTGRES_DSN",
            error_code=EnumCoreErrorCode.AUTHENTICATION_ERROR,
        )
    if "does not exist" in complaint:
        return ModelOnexError(
            message="PostgreSQL has no such database; check its name in POSTGRES_DSN",
            error_code=EnumCoreErrorCode.DATABASE_CONNECTION_ERROR,
        )
    return PassingFaultError(
        message="PostgreSQL cannot be reached; check POSTGRES_DSN and that the server runs",
        error_code=EnumCoreErrorCode.DATABASE_CONNECTION_ERROR,
    )
