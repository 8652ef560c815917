"""Tests of NodeUserStoreEffect; they need no server and run with plain pytest."""

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

from ..logic import LostAnswerError, PassingFaultError
from ..models import ModelUserStoreInput
from ..node import NodeUserStoreEffect
from .support import RecordingSession, prepare

SAMPLE: dict[str, Any] = {
    "table": "records",
    "user_id": "00000000-0000-4000-8000-000000000001",
    "email": "example",
    "age": 3,
    "is_active": True,
    "created_at": "2026-01-02T03:04:05+00:00",
}


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


def run(values: dict[str, object], *faults: Exception) -> RecordingSession:
    """What reaches the database of one operation, after these faults."""

    async def scenario() -> RecordingSession:
        node = NodeUserStoreEffect(ModelONEXContainer())
        session = prepare(node)
        session.faults += faults
        await node.process(ModelEffectInput(effect_type=EnumEffectType.DATABASE_OPERATION, operation_data=values))
        return session

    return asyncio.run(scenario())


def lost_answer() -> LostAnswerError:
    return LostAnswerError(message="gone", error_code=EnumCoreErrorCode.DATABASE_CONNECTION_ERROR)


def passing_fault() -> PassingFaultError:
    return PassingFaultError(message="busy", error_code=EnumCoreErrorCode.DATABASE_OPERATION_ERROR)


def test_names_are_quoted_and_values_are_bound() -> None:
    hostile = "x'; DROP TABLE users; --"
    session = run({**SAMPLE, "table": "public.users", "match": {"id": hostile}})
    (text,) = session.texts
    assert '"public"."users"' in text
    assert f" {hostile}" not in text
    assert session.is_closed


def test_a_table_name_that_is_no_name_is_refused() -> None:
    with pytest.raises(ModelOnexError):
        run({**SAMPLE, "table": "users; DROP TABLE users"})


def test_a_delete_without_match_is_refused() -> None:
    with pytest.raises(ModelOnexError, match="never empties"):
        run({**SAMPLE, "operation": "delete", "match": {}})


def test_what_the_server_undid_is_tried_again_within_bounds() -> None:
    assert len(run(SAMPLE, passing_fault(), passing_fault()).statements) >= 1
    with pytest.raises(PassingFaultError):
        run(SAMPLE, *[passing_fault() for _ in range(10)])


def test_an_operation_that_must_not_be_done_twice_is_not_repeated_when_its_answer_is_lost() -> None:
    with pytest.raises(LostAnswerError):
        run(SAMPLE, lost_answer())


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
