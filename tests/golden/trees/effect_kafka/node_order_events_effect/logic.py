# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Business logic of NodeOrderEventsEffect: messages of Kafka topics, as JSON.

A message counts as written when all replicas have acknowledged it; the idempotent producer repeats it by itself
without writing it twice.
Reading is at least once: a batch is handed over again, also after a crash, until `commit` says that it was handled;
readers tell what they have seen by `event_id`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from pydantic import ValidationError
from pydantic_core import to_json

from .enums import EnumOrderEventsOperation
from .models import (
    ModelOrderEventsConfig,
    ModelOrderEventsInput,
    ModelOrderEventsMessage,
    ModelOrderEventsOutput,
    ModelOrderEventsPayload,
)


@dataclass(frozen=True)
class Record:
    """A message as it travels."""

    topic: str
    value: bytes
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int = -1
    offset: int = -1


class ProtocolKafkaClient(Protocol):
    """Talks to the brokers; tests put their own in its place."""

    async def produce(self, config: ModelOrderEventsConfig, record: Record) -> tuple[int, int]:
        """Write a message; partition and offset when all replicas have it."""
        ...

    async def consume(self, config: ModelOrderEventsConfig, topic: str, limit: int, wait_s: float) -> list[Record]:
        """The messages after the last commit, at most `limit`, as far as they arrive in time."""
        ...

    async def commit(self, config: ModelOrderEventsConfig, topic: str) -> int:
        """Remember that the last batch was handled; how many messages it had."""
        ...

    async def close(self) -> None:
        """Say goodbye to the brokers."""
        ...


async def perform(
    request: ModelOrderEventsInput, config: ModelOrderEventsConfig, *, client: ProtocolKafkaClient
) -> ModelOrderEventsOutput:
    """Carry out one operation."""
    return await _OPERATIONS[request.operation](request, config, client)


async def _produce(
    request: ModelOrderEventsInput, config: ModelOrderEventsConfig, client: ProtocolKafkaClient
) -> ModelOrderEventsOutput:
    if request.payload is None:
        raise ModelOnexError(message="produce needs a payload", error_code=EnumCoreErrorCode.VALIDATION_ERROR)
    event_id = request.event_id or uuid4()
    headers = {**request.headers, "event_id": str(event_id)}
    record = Record(
        topic=request.topic,
        value=to_json(request.payload),
        key=None if request.key is None else request.key.encode(),
        headers=tuple((name, text.encode()) for name, text in headers.items()),
    )
    partition, offset = await client.produce(config, record)
    return ModelOrderEventsOutput(
        operation=request.operation, topic=request.topic, event_id=event_id, partition=partition, offset=offset
    )


async def _consume(
    request: ModelOrderEventsInput, config: ModelOrderEventsConfig, client: ProtocolKafkaClient
) -> ModelOrderEventsOutput:
    records = await client.consume(config, request.topic, request.max_messages, request.wait_s)
    messages = [_message(record) for record in records]
    return ModelOrderEventsOutput(
        operation=request.operation, topic=request.topic, messages=messages, count=len(messages)
    )


async def _commit(
    request: ModelOrderEventsInput, config: ModelOrderEventsConfig, client: ProtocolKafkaClient
) -> ModelOrderEventsOutput:
    count = await client.commit(config, request.topic)
    return ModelOrderEventsOutput(operation=request.operation, topic=request.topic, count=count)


def _message(record: Record) -> ModelOrderEventsMessage:
    """A payload that cannot be read is handed over as such: it must not stop the messages behind it."""
    headers = {name: text.decode(errors="replace") for name, text in record.headers}
    payload, problem = None, None
    try:
        payload = ModelOrderEventsPayload.model_validate_json(record.value)
    except ValidationError as exc:
        problem = exc.errors()[0]["msg"]
    return ModelOrderEventsMessage(
        partition=record.partition,
        offset=record.offset,
        key=None if record.key is None else record.key.decode(errors="replace"),
        event_id=headers.pop("event_id", None),
        headers=headers,
        payload=payload,
        problem=problem,
        text=None if problem is None else record.value.decode(errors="replace"),
    )


_Operation = Callable[
    [ModelOrderEventsInput, ModelOrderEventsConfig, ProtocolKafkaClient], Awaitable[ModelOrderEventsOutput]
]
_OPERATIONS: dict[EnumOrderEventsOperation, _Operation] = {
    EnumOrderEventsOperation.PRODUCE: _produce,
    EnumOrderEventsOperation.CONSUME: _consume,
    EnumOrderEventsOperation.COMMIT: _commit,
}
