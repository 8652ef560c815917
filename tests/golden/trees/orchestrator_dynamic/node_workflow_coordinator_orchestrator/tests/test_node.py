"""Tests of NodeWorkflowCoordinatorOrchestrator; they need no server and run with plain pytest."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from omnibase_core.errors.model_onex_error import ModelOnexError
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from pydantic import JsonValue, ValidationError

from ..logic import StepContext
from ..models import ModelWorkflowCoordinatorInput
from ..node import NodeWorkflowCoordinatorOrchestrator
from .support import prepare

SAMPLE: dict[str, Any] = {
    "payload": {"order_id": "1"},
    "steps": [{"name": "prepare"}, {"name": "perform", "depends_on": ["prepare"]}],
}


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        ModelWorkflowCoordinatorInput.model_validate({"no_such_field": 1})


def test_the_node_initialises_and_announces_itself() -> None:
    async def scenario() -> list[str]:
        node = NodeWorkflowCoordinatorOrchestrator(ModelONEXContainer())
        bus = RecordingBus()
        node.announcer.bind(bus)
        await node.initialize()
        await node.cleanup()
        return bus.topics

    assert asyncio.run(scenario()) == ["onex.evt.platform.node-introspection.v1"]


def test_a_failing_bus_does_not_stop_the_node() -> None:
    async def scenario() -> str:
        node = NodeWorkflowCoordinatorOrchestrator(ModelONEXContainer())
        node.announcer.bind(FailingBus())
        await node.initialize()
        return str(node.get_state()["status"])

    assert asyncio.run(scenario()) == "ready"


def test_steps_run_in_the_order_of_their_dependencies() -> None:
    async def scenario() -> tuple[str, list[str], list[str]]:
        node = NodeWorkflowCoordinatorOrchestrator(ModelONEXContainer())
        performed = prepare(node)
        result = await node.run(ModelWorkflowCoordinatorInput.model_validate(SAMPLE))
        return result.status, result.completed_steps, performed

    status, completed, performed = asyncio.run(scenario())
    assert status == "completed"
    assert completed == performed == ["prepare", "perform"]


def test_a_failing_step_stops_the_ones_that_wait_for_it() -> None:
    async def fail(context: StepContext) -> dict[str, JsonValue]:
        raise RuntimeError(context.step_name)

    async def scenario() -> tuple[str, list[str], list[str]]:
        node = NodeWorkflowCoordinatorOrchestrator(ModelONEXContainer())
        prepare(node)
        node.register_step_handler("prepare", fail)
        result = await node.run(ModelWorkflowCoordinatorInput.model_validate(SAMPLE))
        return result.status, result.failed_steps, result.skipped_steps

    assert asyncio.run(scenario()) == ("failed", ["prepare"], ["perform"])


def test_a_step_without_a_handler_fails_before_anything_runs() -> None:
    async def scenario() -> None:
        node = NodeWorkflowCoordinatorOrchestrator(ModelONEXContainer())
        await node.run(ModelWorkflowCoordinatorInput.model_validate(SAMPLE))

    with pytest.raises(ModelOnexError, match="no handler is registered"):
        asyncio.run(scenario())


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
