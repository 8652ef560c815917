"""How NodeRedisCacheEffect speaks to Redis.

redis-py is imported on first use.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError

from .logic import Reply
from .models import ModelRedisCacheConfig

_PASSING_FAULTS = frozenset({EnumCoreErrorCode.NETWORK_ERROR, EnumCoreErrorCode.TIMEOUT_ERROR})


class _Redis(Protocol):
    """What is used of redis.asyncio.Redis, with the types that the library leaves out."""

    async def execute_command(self, *command: str | int) -> Reply: ...

    async def aclose(self) -> None: ...


class RedisClient:
    """Connections to one server, opened by the first command and kept until close()."""

    def __init__(self) -> None:
        self._redis: _Redis | None = None

    async def execute(self, config: ModelRedisCacheConfig, /, *command: str | int, is_repeatable: bool = True) -> Reply:
        """Run one command; raises ModelOnexError that tells refused, unreachable and slow servers apart."""
        self._redis = self._redis or _connected(config)
        if is_repeatable:
            return await _repeated(self._redis, config, command)
        # Sent once, so over a connection that has just answered.
        await _repeated(self._redis, config, ("PING",))
        return await _attempt(self._redis, config, command)

    async def close(self) -> None:
        """Close every connection."""
        redis, self._redis = self._redis, None
        if redis is not None:
            await redis.aclose()


def _connected(config: ModelRedisCacheConfig) -> _Redis:
    """A client without retries of its own: only this module knows which commands may be repeated."""
    try:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ModuleNotFoundError as exc:
        raise ModelOnexError(
            message=f"{exc.name} is not installed; run: pip install 'redis>=7,<9'",
            error_code=EnumCoreErrorCode.DEPENDENCY_UNAVAILABLE,
        ) from exc
    try:
        return Redis.from_url(
            config.url.get_secret_value(),
            decode_responses=True,
            socket_timeout=config.timeout_s,
            socket_connect_timeout=config.timeout_s,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError:
        # `from None`: the original message may repeat the address.
        raise ModelOnexError(
            message="REDIS_URL is no address of a Redis server; it looks like redis://user:password@host:6379/0",
            error_code=EnumCoreErrorCode.CONFIGURATION_ERROR,
        ) from None


async def _repeated(redis: _Redis, config: ModelRedisCacheConfig, command: tuple[str | int, ...]) -> Reply:
    for attempt in range(1, config.max_attempts):
        try:
            return await _attempt(redis, config, command)
        except ModelOnexError as exc:
            if exc.error_code not in _PASSING_FAULTS:
                raise
        await asyncio.sleep(config.retry_pause_s * 2 ** (attempt - 1))
    return await _attempt(redis, config, command)


async def _attempt(redis: _Redis, config: ModelRedisCacheConfig, command: tuple[str | int, ...]) -> Reply:
    """Send a command once. The library's errors are told apart here and nowhere else."""
    from redis import exceptions

    try:
        return await redis.execute_command(*command)
    except (exceptions.AuthenticationError, exceptions.AuthorizationError, exceptions.NoPermissionError) as exc:
        raise _failed(
            f"Redis refused the credentials or their rights ({exc}); check REDIS_URL",
            EnumCoreErrorCode.AUTHENTICATION_ERROR,
        ) from None
    except exceptions.TimeoutError as exc:
        raise _failed(
            f"Redis did not answer {command[0]} within {config.timeout_s} s; is the address right?",
            EnumCoreErrorCode.TIMEOUT_ERROR,
        ) from exc
    except exceptions.ConnectionError as exc:
        raise _failed(
            f"Redis cannot be reached ({exc}); check REDIS_URL and that the server runs",
            EnumCoreErrorCode.NETWORK_ERROR,
        ) from exc
    except exceptions.RedisError as exc:
        raise _failed(f"Redis refused {command[0]}: {exc}", EnumCoreErrorCode.OPERATION_FAILED) from exc


def _failed(message: str, code: EnumCoreErrorCode) -> ModelOnexError:
    return ModelOnexError(message=message, error_code=code)
