# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Business logic of NodeMoneyMoverEffect: what is done in the database, and when it may be tried again.

Its SQL is in statements.py, the connection in client.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from pydantic import JsonValue

from .models import ModelMoneyMoverConfig, ModelMoneyMoverInput, ModelMoneyMoverOutput

if TYPE_CHECKING:
    from psycopg.sql import Composed

Rows = list[dict[str, JsonValue]]


@dataclass(frozen=True)
class Statement:
    """SQL with its parameters; `expected_rows`: how many rows it must touch, or all is undone."""

    sql: Composed
    parameters: list[object]
    expected_rows: int | None = None


class PassingFaultError(ModelOnexError):
    """A fault that may be gone a moment later; the server has kept nothing of the attempt."""


class LostAnswerError(ModelOnexError):
    """The connection broke before the answer; nobody knows whether the server did the work."""


class ProtocolSession(Protocol):
    """An open database session; tests put their own in its place."""

    async def run(self, statements: Sequence[Statement]) -> list[tuple[int, Rows]]:
        """Run all statements or none; the rows that each touched and returned."""
        ...

    async def close(self) -> None:
        """Give the connection back."""
        ...


OpenSession = Callable[[ModelMoneyMoverConfig], Awaitable[ProtocolSession]]


async def open_session(config: ModelMoneyMoverConfig) -> ProtocolSession:
    """A session on the configured server. Raises ModelOnexError when there is none."""
    from .client import connect

    return await connect(config)


async def perform(
    request: ModelMoneyMoverInput, config: ModelMoneyMoverConfig, *, open_session: OpenSession = open_session
) -> ModelMoneyMoverOutput:
    """Carry out one operation, with all its retries within the deadline."""
    statements = _statements(request)
    try:
        async with asyncio.timeout(config.deadline_s):
            results = await _run(request, statements, config, open_session)
    except TimeoutError as exc:
        raise ModelOnexError(
            message=f"{request.operation.value} was not done within {config.deadline_s} s",
            error_code=EnumCoreErrorCode.TIMEOUT_ERROR,
        ) from exc
    counts = [max(count, 0) for count, _ in results]
    rows = [row for _, found in results for row in found]
    return ModelMoneyMoverOutput(operation=request.operation, rows_affected=sum(counts), rows=rows, step_rows=counts)


async def _run(
    request: ModelMoneyMoverInput,
    statements: Sequence[Statement],
    config: ModelMoneyMoverConfig,
    open_session: OpenSession,
) -> list[tuple[int, Rows]]:
    for attempt in range(1, config.max_attempts):
        try:
            return await _run_once(statements, config, open_session)
        except PassingFaultError:
            pass
        await asyncio.sleep(config.retry_pause_s * 2 ** (attempt - 1))
    return await _run_once(statements, config, open_session)


async def _run_once(
    statements: Sequence[Statement], config: ModelMoneyMoverConfig, open_session: OpenSession
) -> list[tuple[int, Rows]]:
    session = await open_session(config)
    try:
        return await session.run(statements)
    finally:
        await session.close()


def _statements(request: ModelMoneyMoverInput) -> list[Statement]:
    try:
        from .statements import build_statements
    except ModuleNotFoundError as exc:
        raise ModelOnexError(
            message=f"{exc.name} is not installed; run: pip install 'psycopg[binary]>=3.2,<4'",
            error_code=EnumCoreErrorCode.DEPENDENCY_UNAVAILABLE,
        ) from exc
    return build_statements(request)
