"""Tests of NodeUserStoreEffect; they need no server and run with plain pytest."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID

import pytest
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.enums.enum_effect_types import EnumEffectType
from omnibase_core.errors.model_onex_error import ModelOnexError
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.effect.model_effect_input import ModelEffectInput
from pydantic import ValidationError

from ..models import ModelUserStoreInput
from ..node import NodeUserStoreEffect
from .support import prepare

SAMPLE = json.loads(
    '{"table": "records", "user_id": "00000000-0000-4000-8000-000000000001", "email": "example", "age": 3, "is_active": true, "created_at": "2026-01-02T03:04:05+00:00"}'
)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        ModelUserStoreInput.model_validate({"no_such_field": 1})


def test_the_node_initialises_and_announces_itself() -> None:
    async def scenario() -> list[str]:
        node = NodeUserStoreEffect(ModelONEXContainer())
        bus = RecordingBus()
        node.announcer.bind(bus)
        await node.initialize()
        await node.cleanup()
        return bus.topics

    assert asyncio.run(scenario()) == ["onex.evt.platform.node-introspection.v1"]


def test_a_failing_bus_does_not_stop_the_node() -> None:
    async def scenario() -> str:
        node = NodeUserStoreEffect(ModelONEXContainer())
        node.announcer.bind(FailingBus())
        await node.initialize()
        return str(node.get_state()["status"])

    assert asyncio.run(scenario()) == "ready"


def perform(values: dict[str, object]) -> tuple[dict[str, object], object]:
    async def scenario() -> tuple[dict[str, object], object]:
        node = NodeUserStoreEffect(ModelONEXContainer())
        outside = prepare(node)
        request = ModelEffectInput(effect_type=EnumEffectType.DATABASE_OPERATION, operation_data=values)
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


def test_names_are_quoted_and_values_are_bound() -> None:
    hostile = "x'; DROP TABLE users; --"
    _, session = perform({**SAMPLE, "table": "public.users", "match": {"id": hostile}})
    ((text, _),) = session.statements  # type: ignore[attr-defined]
    assert '"public"."users"' in text
    assert f" {hostile}" not in text
    assert session.is_closed  # type: ignore[attr-defined]


def test_a_table_name_that_is_no_name_is_refused() -> None:
    with pytest.raises(ModelOnexError):
        perform({**SAMPLE, "table": "users; DROP TABLE users"})


def test_a_delete_without_match_is_refused() -> None:
    with pytest.raises(ModelOnexError, match="never empties"):
        perform({**SAMPLE, "operation": "delete", "match": {}})


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
