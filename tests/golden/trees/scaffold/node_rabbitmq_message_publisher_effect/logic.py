# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Business logic of NodeRabbitMQMessagePublisherEffect: what surrounds its adapter.

The adapter does the work; here are the deadline, and the names of its faults.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError

from .models import (
    ModelRabbitMQMessagePublisherConfig,
    ModelRabbitMQMessagePublisherInput,
    ModelRabbitMQMessagePublisherOutput,
)


class ProtocolAdapter(Protocol):
    """What the node asks of an adapter; tests put their own in its place."""

    async def perform(self, request: ModelRabbitMQMessagePublisherInput) -> ModelRabbitMQMessagePublisherOutput:
        """Do the work once."""
        ...

    async def close(self) -> None:
        """Give back what was opened."""
        ...


async def publish_rabbitmq_message(
    request: ModelRabbitMQMessagePublisherInput,
    config: ModelRabbitMQMessagePublisherConfig,
    *,
    adapter: ProtocolAdapter,
) -> ModelRabbitMQMessagePublisherOutput:
    """Create EFFECT node for RabbitMQ message publishing"""
    try:
        async with asyncio.timeout(config.deadline_s):
            return await adapter.perform(request)
    except ModelOnexError:
        raise
    except Exception as exc:
        raise _explained(exc, config) from exc


def _explained(error: Exception, config: ModelRabbitMQMessagePublisherConfig) -> ModelOnexError:
    # Only the kind of an unknown error: its text may repeat an address with a password.
    kind = type(error).__name__
    if isinstance(error, TimeoutError):
        return ModelOnexError(
            message=f"no answer within {config.deadline_s} s; raise ADAPTER_DEADLINE_S or look at the other side",
            error_code=EnumCoreErrorCode.TIMEOUT_ERROR,
        )
    if isinstance(error, PermissionError):
        return ModelOnexError(
            message="the other side refused the credentials; check the adapter's settings",
            error_code=EnumCoreErrorCode.AUTHENTICATION_ERROR,
        )
    if isinstance(error, ConnectionError):
        return ModelOnexError(
            message=f"the other side cannot be reached ({kind}); check the adapter's settings and that it runs",
            error_code=EnumCoreErrorCode.NETWORK_ERROR,
        )
    return ModelOnexError(message=f"the adapter failed with {kind}", error_code=EnumCoreErrorCode.OPERATION_FAILED)
