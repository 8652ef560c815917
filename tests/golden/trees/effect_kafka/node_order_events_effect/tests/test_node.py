"""Tests of NodeOrderEventsEffect; they need no server and run with plain pytest."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.enums.enum_effect_types import EnumEffectType
from omnibase_core.errors.model_onex_error import ModelOnexError
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.effect.model_effect_input import ModelEffectInput
from pydantic import ValidationError

from ..logic import Record
from ..models import ModelOrderEventsInput
from ..node import NodeOrderEventsEffect
from .support import RecordingKafka, prepare

SAMPLE: dict[str, Any] = {
    "operation": "produce",
    "payload": {"order_id": "00000000-0000-4000-8000-000000000001", "amount": 2.5},
}


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        ModelOrderEventsInput.model_validate({"no_such_field": 1})


def test_the_node_initialises_and_announces_itself() -> None:
    async def scenario() -> list[str]:
        node = NodeOrderEventsEffect(ModelONEXContainer())
        bus = RecordingBus()
        node.announcer.bind(bus)
        await node.initialize()
        await node.cleanup()
        return bus.topics

    assert asyncio.run(scenario()) == ["onex.evt.platform.node-introspection.v1"]


def test_a_failing_bus_does_not_stop_the_node() -> None:
    async def scenario() -> str:
        node = NodeOrderEventsEffect(ModelONEXContainer())
        node.announcer.bind(FailingBus())
        await node.initialize()
        return str(node.get_state()["status"])

    assert asyncio.run(scenario()) == "ready"


def perform(values: dict[str, object]) -> tuple[dict[str, object], object]:
    async def scenario() -> tuple[dict[str, object], object]:
        node = NodeOrderEventsEffect(ModelONEXContainer())
        outside = prepare(node)
        request = ModelEffectInput(effect_type=EnumEffectType.EVENT_EMISSION, operation_data=values)
        output = await node.process(request)
        assert isinstance(output.operation_id, UUID)
        assert isinstance(output.result, dict)
        return output.result, outside

    return asyncio.run(scenario())


def test_the_sample_is_performed() -> None:
    result, _ = perform(SAMPLE)
    assert result


def test_wrong_data_is_a_validation_error() -> None:
    with pytest.raises(ModelOnexError) as failure:
        perform({"no_such_field": 1})
    assert failure.value.error_code == EnumCoreErrorCode.VALIDATION_ERROR


def run(kafka: RecordingKafka, *operations: dict[str, object]) -> list[dict[str, object]]:
    """The results of operations of one node on one topic."""

    async def scenario() -> list[dict[str, object]]:
        node = NodeOrderEventsEffect(ModelONEXContainer())
        prepare(node)
        node.client = kafka
        await node.initialize()
        results = []
        for values in operations:
            request = ModelEffectInput(
                effect_type=EnumEffectType.EVENT_EMISSION, operation_data={"topic": "t", **values}
            )
            output = await node.process(request)
            assert isinstance(output.result, dict)
            results.append(output.result)
        await node.cleanup()
        return results

    return asyncio.run(scenario())


PAYLOAD: dict[str, Any] = {"order_id": "00000000-0000-4000-8000-000000000001", "amount": 2.5}
EVENT_ID = "00000000-0000-4000-8000-000000000001"


def test_a_message_carries_its_key_its_headers_and_its_identity() -> None:
    kafka = RecordingKafka()
    values: dict[str, object] = {
        "operation": "produce",
        "payload": PAYLOAD,
        "key": "k",
        "headers": {"a": "b"},
        "event_id": EVENT_ID,
    }
    (result,) = run(kafka, values)
    (record,) = kafka.records
    assert (record.topic, record.key) == ("t", b"k")
    assert json.loads(record.value) == PAYLOAD
    assert dict(record.headers) == {"a": b"b", "event_id": EVENT_ID.encode()}
    assert (result["event_id"], result["partition"], result["offset"]) == (EVENT_ID, 0, 0)


def test_every_message_without_an_identity_gets_one_of_its_own() -> None:
    produce: dict[str, object] = {"operation": "produce", "payload": PAYLOAD}
    first, second = run(RecordingKafka(), produce, produce)
    assert UUID(str(first["event_id"])) != UUID(str(second["event_id"]))


def filled(*values: bytes) -> RecordingKafka:
    kafka = RecordingKafka()
    kafka.records = [
        Record("t", value, headers=(("event_id", b"e"),), partition=0, offset=n) for n, value in enumerate(values)
    ]
    return kafka


def messages_of(result: dict[str, object]) -> list[dict[str, object]]:
    messages = result["messages"]
    assert isinstance(messages, list)
    return messages


def test_a_batch_is_handed_over_again_until_it_is_committed() -> None:
    kafka = filled(*[json.dumps(PAYLOAD).encode()] * 3)
    consume: dict[str, object] = {"operation": "consume", "max_messages": 2, "wait_s": 0.1}
    commit: dict[str, object] = {"operation": "commit"}
    first, again, committed, rest, _, nothing = run(kafka, consume, consume, commit, consume, commit, commit)
    assert first["messages"] == again["messages"]
    assert [first["count"], committed["count"], rest["count"], nothing["count"]] == [2, 2, 1, 0]


def test_a_message_says_what_it_carries() -> None:
    (result,) = run(filled(json.dumps(PAYLOAD).encode()), {"operation": "consume"})
    (message,) = messages_of(result)
    assert (message["payload"], message["event_id"], message["problem"]) == (PAYLOAD, "e", None)


def test_a_message_that_cannot_be_read_does_not_stop_the_next() -> None:
    (result,) = run(filled(b"no json", json.dumps(PAYLOAD).encode()), {"operation": "consume"})
    broken, whole = messages_of(result)
    assert broken["problem"]
    assert (broken["payload"], broken["text"], whole["payload"]) == (None, "no json", PAYLOAD)


def test_the_node_lets_go_of_the_brokers_when_it_stops() -> None:
    kafka = RecordingKafka()
    run(kafka)
    assert kafka.is_closed


class RecordingBus:
    """Keeps the topics it was given."""

    def __init__(self) -> None:
        self.topics: list[str] = []

    async def publish(self, topic: str, key: bytes | None, value: bytes) -> None:
        """Record one message."""
        self.topics.append(topic)


class FailingBus:
    """A bus that is away."""

    async def publish(self, topic: str, key: bytes | None, value: bytes) -> None:
        """Fail as a broken connection does."""
        raise ConnectionError(topic)
