"""Tests of NodeMoneyMoverEffect; they need no server and run with plain pytest."""

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
from ..models import ModelMoneyMoverInput
from ..node import NodeMoneyMoverEffect
from .support import RecordingSession, prepare

SAMPLE: dict[str, Any] = {
    "steps": [
        {
            "operation": "update",
            "table": "accounts",
            "expected_rows": 1,
            "match": {"id": 1},
            "add": {"balance": "-10"},
            "at_least": {"balance": "10"},
        },
        {"operation": "update", "table": "accounts", "expected_rows": 1, "match": {"id": 2}, "add": {"balance": "10"}},
    ]
}


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        ModelMoneyMoverInput.model_validate({"no_such_field": 1})


def test_the_node_initialises_and_announces_itself() -> None:
    async def scenario() -> list[str]:
        node = NodeMoneyMoverEffect(ModelONEXContainer())
        bus = RecordingBus()
        node.announcer.bind(bus)
        await node.initialize()
        await node.cleanup()
        return bus.topics

    assert asyncio.run(scenario()) == ["onex.evt.platform.node-introspection.v1"]


def test_a_failing_bus_does_not_stop_the_node() -> None:
    async def scenario() -> str:
        node = NodeMoneyMoverEffect(ModelONEXContainer())
        node.announcer.bind(FailingBus())
        await node.initialize()
        return str(node.get_state()["status"])

    assert asyncio.run(scenario()) == "ready"


def perform(values: dict[str, object]) -> tuple[dict[str, object], object]:
    async def scenario() -> tuple[dict[str, object], object]:
        node = NodeMoneyMoverEffect(ModelONEXContainer())
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
        node = NodeMoneyMoverEffect(ModelONEXContainer())
        session = prepare(node)
        session.faults += faults
        await node.process(ModelEffectInput(effect_type=EnumEffectType.DATABASE_OPERATION, operation_data=values))
        return session

    return asyncio.run(scenario())


def lost_answer() -> LostAnswerError:
    return LostAnswerError(message="gone", error_code=EnumCoreErrorCode.DATABASE_CONNECTION_ERROR)


def passing_fault() -> PassingFaultError:
    return PassingFaultError(message="busy", error_code=EnumCoreErrorCode.DATABASE_OPERATION_ERROR)


STEP = {"operation": "update", "table": "accounts", "match": {"id": 1}, "add": {"balance": "-10.50"}}
GUARDED = {**STEP, "at_least": {"balance": "10.50"}, "expected_rows": 1}


def test_the_steps_of_a_transaction_go_together_with_their_guards() -> None:
    insert = {"operation": "insert", "table": "entries", "values": {"id": 7}}
    session = run({"operation": "transaction", "steps": [GUARDED, insert]})
    assert session.texts == [
        'UPDATE "accounts" SET "balance" = "balance" + %s WHERE "id" = %s AND "balance" >= %s',
        'INSERT INTO "entries" ("id") VALUES (%s)',
    ]
    first, second = session.statements
    assert ([str(value) for value in first.parameters], first.expected_rows) == (["-10.50", "1", "10.50"], 1)
    assert (second.parameters, second.expected_rows) == ([7], None)


@pytest.mark.parametrize(
    "steps", [[], [{**STEP, "match": {}}], [{**STEP, "add": {}}], [{**STEP, "operation": "delete", "match": {}}]]
)
def test_a_transaction_with_a_step_that_says_too_little_is_refused_whole(steps: list[dict[str, object]]) -> None:
    with pytest.raises(ModelOnexError) as failure:
        run({"operation": "transaction", "steps": [GUARDED, *steps] if steps else []})
    assert failure.value.error_code == EnumCoreErrorCode.VALIDATION_ERROR


def test_a_transaction_is_tried_again_when_it_was_undone_and_only_then() -> None:
    values: dict[str, object] = {"operation": "transaction", "steps": [GUARDED]}
    assert len(run(values, passing_fault(), passing_fault()).statements) == 1
    with pytest.raises(LostAnswerError):
        run(values, lost_answer())


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
