"""Tests of NodePricingCalculatorCompute; they need no server and run with plain pytest."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from omnibase_core.models.compute.model_compute_input import ModelComputeInput
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from pydantic import ValidationError

from ..models import ModelPricingCalculatorInput
from ..node import NodePricingCalculatorCompute
from .support import prepare

SAMPLE: dict[str, Any] = {"unit_price": 10.0, "quantity": 3, "discount_rate": 0.1, "tax_rate": 0.2}


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        ModelPricingCalculatorInput.model_validate({"no_such_field": 1})


def test_the_node_initialises_and_announces_itself() -> None:
    async def scenario() -> list[str]:
        node = NodePricingCalculatorCompute(ModelONEXContainer())
        bus = RecordingBus()
        node.announcer.bind(bus)
        await node.initialize()
        await node.cleanup()
        return bus.topics

    assert asyncio.run(scenario()) == ["onex.evt.platform.node-introspection.v1"]


def test_a_failing_bus_does_not_stop_the_node() -> None:
    async def scenario() -> str:
        node = NodePricingCalculatorCompute(ModelONEXContainer())
        node.announcer.bind(FailingBus())
        await node.initialize()
        return str(node.get_state()["status"])

    assert asyncio.run(scenario()) == "ready"


def compute(values: dict[str, object]) -> dict[str, object]:
    async def scenario() -> dict[str, object]:
        node = NodePricingCalculatorCompute(ModelONEXContainer())
        prepare(node)
        data = ModelPricingCalculatorInput.model_validate(values)
        return (await node.process(ModelComputeInput(data=data))).result.model_dump(mode="json")

    return asyncio.run(scenario())


def test_the_same_input_gives_the_same_output() -> None:
    assert compute(SAMPLE) == compute(SAMPLE)


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
