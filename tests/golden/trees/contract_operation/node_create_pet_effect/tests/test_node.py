"""Tests of NodeCreatePetEffect; they need no server and run with plain pytest."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.enums.enum_effect_types import EnumEffectType
from omnibase_core.errors.model_onex_error import ModelOnexError
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.effect.model_effect_input import ModelEffectInput
from pydantic import ValidationError

from ..models import ModelCreatePetInput
from ..node import NodeCreatePetEffect
from .support import prepare

SAMPLE: dict[str, Any] = {"path": "/pets", "body": {"name": "example", "species": "dog"}}


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        ModelCreatePetInput.model_validate({"no_such_field": 1})


def test_the_node_initialises_and_announces_itself() -> None:
    async def scenario() -> list[str]:
        node = NodeCreatePetEffect(ModelONEXContainer())
        bus = RecordingBus()
        node.announcer.bind(bus)
        await node.initialize()
        await node.cleanup()
        return bus.topics

    assert asyncio.run(scenario()) == ["onex.evt.platform.node-introspection.v1"]


def test_a_failing_bus_does_not_stop_the_node() -> None:
    async def scenario() -> str:
        node = NodeCreatePetEffect(ModelONEXContainer())
        node.announcer.bind(FailingBus())
        await node.initialize()
        return str(node.get_state()["status"])

    assert asyncio.run(scenario()) == "ready"


def perform(values: dict[str, object]) -> tuple[dict[str, object], object]:
    async def scenario() -> tuple[dict[str, object], object]:
        node = NodeCreatePetEffect(ModelONEXContainer())
        outside = prepare(node)
        request = ModelEffectInput(effect_type=EnumEffectType.API_CALL, operation_data=values)
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


def call(statuses: tuple[int, ...], operation: str) -> tuple[dict[str, object], int]:
    async def scenario() -> tuple[dict[str, object], int]:
        node = NodeCreatePetEffect(ModelONEXContainer())
        api = prepare(node, statuses)
        request = ModelEffectInput(
            effect_type=EnumEffectType.API_CALL, operation_data={**SAMPLE, "operation": operation}
        )
        output = await node.process(request)
        assert isinstance(output.result, dict)
        return output.result, len(api.requests)

    return asyncio.run(scenario())


def test_a_refusal_of_the_credentials_is_an_authentication_error() -> None:
    with pytest.raises(ModelOnexError) as failure:
        call((401,), "POST")
    assert failure.value.error_code == EnumCoreErrorCode.AUTHENTICATION_ERROR


def test_a_call_that_could_do_its_work_twice_is_not_repeated() -> None:
    with pytest.raises(ModelOnexError, match="HTTP 503 after 1 attempts"):
        call((503, 200), "POST")


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
