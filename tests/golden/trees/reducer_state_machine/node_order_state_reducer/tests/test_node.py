"""Tests of NodeOrderStateReducer; they need no server and run with plain pytest."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from omnibase_core.enums.enum_reducer_types import EnumReductionType
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.reducer.model_reducer_input import ModelReducerInput
from pydantic import ValidationError

from ..models import ModelOrderStateInput
from ..node import NodeOrderStateReducer
from .support import prepare

SAMPLE: dict[str, Any] = {"items": [{"trigger": "to_paid"}]}


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        ModelOrderStateInput.model_validate({"no_such_field": 1})


def test_the_node_initialises_and_announces_itself() -> None:
    async def scenario() -> list[str]:
        node = NodeOrderStateReducer(ModelONEXContainer())
        bus = RecordingBus()
        node.announcer.bind(bus)
        await node.initialize()
        await node.cleanup()
        return bus.topics

    assert asyncio.run(scenario()) == ["onex.evt.platform.node-introspection.v1"]


def test_a_failing_bus_does_not_stop_the_node() -> None:
    async def scenario() -> str:
        node = NodeOrderStateReducer(ModelONEXContainer())
        node.announcer.bind(FailingBus())
        await node.initialize()
        return str(node.get_state()["status"])

    assert asyncio.run(scenario()) == "ready"


def reduce(values: dict[str, list[dict[str, object]]]) -> dict[str, object]:
    async def scenario() -> dict[str, object]:
        node = NodeOrderStateReducer(ModelONEXContainer())
        prepare(node)
        items = [ModelOrderStateInput.model_validate(item) for item in values["items"]]
        output = await node.process(ModelReducerInput(data=items, reduction_type=EnumReductionType.AGGREGATE))
        assert output.items_processed == len(items)
        assert [intent.intent_type for intent in output.intents] == ["log_event"]
        return output.result.model_dump(mode="json")

    return asyncio.run(scenario())


def test_the_same_items_give_the_same_state() -> None:
    assert reduce(SAMPLE) == reduce(SAMPLE)


def test_no_items_are_reduced_too() -> None:
    assert reduce({"items": []}) != reduce(SAMPLE)


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
