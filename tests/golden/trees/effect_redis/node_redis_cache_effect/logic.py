# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Business logic of NodeRedisCacheEffect: one Redis command for each operation.

Commands whose repetition changes nothing are tried again when the connection breaks; all others are sent once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Protocol

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from pydantic import JsonValue
from pydantic_core import to_json

from .enums import EnumRedisCacheOperation
from .models import ModelRedisCacheConfig, ModelRedisCacheInput, ModelRedisCacheOutput

Reply = str | int | dict[str, str] | None
Run = Callable[..., Awaitable[Reply]]


class ProtocolRedisClient(Protocol):
    """Runs commands on a server; tests put their own in its place."""

    async def execute(self, config: ModelRedisCacheConfig, /, *command: str | int, is_repeatable: bool = True) -> Reply:
        """Run one command; one that is not repeatable reaches the server at most once."""
        ...

    async def close(self) -> None:
        """Give all connections back."""
        ...


async def perform(
    request: ModelRedisCacheInput, config: ModelRedisCacheConfig, *, client: ProtocolRedisClient
) -> ModelRedisCacheOutput:
    """Carry out one operation, with all its retries within the deadline."""

    def run(*command: str | int, is_repeatable: bool = True) -> Awaitable[Reply]:
        return client.execute(config, *command, is_repeatable=is_repeatable)

    try:
        async with asyncio.timeout(config.deadline_s):
            return await _OPERATIONS[request.operation](request, run)
    except TimeoutError as exc:
        raise _failed(
            f"{request.operation.value} was not done within {config.deadline_s} s", EnumCoreErrorCode.TIMEOUT_ERROR
        ) from exc


async def _set(request: ModelRedisCacheInput, run: Run) -> ModelRedisCacheOutput:
    command: list[str | int] = ["SET", request.key, _encoded(request)]
    if request.ttl_s is not None:
        command += ["EX", request.ttl_s]
    if request.only_if_absent:
        command.append("NX")
    # Repeated, "only if absent" would find its own first attempt and say that nothing was written.
    reply = await run(*command, is_repeatable=not request.only_if_absent)
    return ModelRedisCacheOutput(operation=request.operation, key=request.key, is_changed=bool(reply))


async def _get(request: ModelRedisCacheInput, run: Run) -> ModelRedisCacheOutput:
    return _read(request, await run("GET", request.key))


async def _delete(request: ModelRedisCacheInput, run: Run) -> ModelRedisCacheOutput:
    reply = await run("DEL", request.key)
    return ModelRedisCacheOutput(operation=request.operation, key=request.key, is_changed=bool(reply))


async def _exists(request: ModelRedisCacheInput, run: Run) -> ModelRedisCacheOutput:
    reply = await run("EXISTS", request.key)
    return ModelRedisCacheOutput(operation=request.operation, key=request.key, is_found=bool(reply))


async def _expire(request: ModelRedisCacheInput, run: Run) -> ModelRedisCacheOutput:
    if request.ttl_s is None:
        raise _failed(
            "expire needs ttl_s, the seconds after which the key is forgotten", EnumCoreErrorCode.VALIDATION_ERROR
        )
    reply = await run("EXPIRE", request.key, request.ttl_s)
    return ModelRedisCacheOutput(operation=request.operation, key=request.key, is_changed=bool(reply))


def _encoded(request: ModelRedisCacheInput) -> str:
    return to_json(request.value).decode()


def _read(request: ModelRedisCacheInput, reply: Reply) -> ModelRedisCacheOutput:
    if reply is None:
        return ModelRedisCacheOutput(operation=request.operation, key=request.key)
    return ModelRedisCacheOutput(
        operation=request.operation, key=request.key, is_found=True, value=_decoded(str(reply))
    )


def _decoded(text: str) -> JsonValue:
    """The JSON that was written, or the text itself where another program wrote something else."""
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        return text
    return value


def _failed(message: str, code: EnumCoreErrorCode) -> ModelOnexError:
    return ModelOnexError(message=message, error_code=code)


_OPERATIONS: dict[EnumRedisCacheOperation, Callable[[ModelRedisCacheInput, Run], Awaitable[ModelRedisCacheOutput]]] = {
    EnumRedisCacheOperation.GET: _get,
    EnumRedisCacheOperation.SET: _set,
    EnumRedisCacheOperation.DELETE: _delete,
    EnumRedisCacheOperation.EXISTS: _exists,
    EnumRedisCacheOperation.EXPIRE: _expire,
}
