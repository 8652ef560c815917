"""Tests of NodeRedisCacheEffect; they need no server and run with plain pytest."""

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

from ..logic import Reply
from ..models import ModelRedisCacheInput
from ..node import NodeRedisCacheEffect
from .support import RecordingRedis, prepare

SAMPLE: dict[str, Any] = {"key": "example", "operation": "get"}


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        ModelRedisCacheInput.model_validate({"no_such_field": 1})


def test_the_node_initialises_and_announces_itself() -> None:
    async def scenario() -> list[str]:
        node = NodeRedisCacheEffect(ModelONEXContainer())
        bus = RecordingBus()
        node.announcer.bind(bus)
        await node.initialize()
        await node.cleanup()
        return bus.topics

    assert asyncio.run(scenario()) == ["onex.evt.platform.node-introspection.v1"]


def test_a_failing_bus_does_not_stop_the_node() -> None:
    async def scenario() -> str:
        node = NodeRedisCacheEffect(ModelONEXContainer())
        node.announcer.bind(FailingBus())
        await node.initialize()
        return str(node.get_state()["status"])

    assert asyncio.run(scenario()) == "ready"


def perform(values: dict[str, object]) -> tuple[dict[str, object], object]:
    async def scenario() -> tuple[dict[str, object], object]:
        node = NodeRedisCacheEffect(ModelONEXContainer())
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


def run(values: dict[str, object], **replies: Reply) -> tuple[dict[str, object], RecordingRedis]:
    """The result of one operation when the server gives these answers, and what was sent."""

    async def scenario() -> tuple[dict[str, object], RecordingRedis]:
        node = NodeRedisCacheEffect(ModelONEXContainer())
        redis = prepare(node)
        redis.replies.update(replies)
        output = await node.process(
            ModelEffectInput(effect_type=EnumEffectType.DATABASE_OPERATION, operation_data=values)
        )
        assert isinstance(output.result, dict)
        return output.result, redis

    return asyncio.run(scenario())


VALUE: dict[str, Any] = {"name": "example"}


def test_set_writes_json_with_its_time_to_live() -> None:
    result, redis = run({"operation": "set", "key": "k", "value": VALUE, "ttl_s": 60})
    ((*command, text),) = [(*sent[:2], *sent[3:], sent[2]) for sent in redis.commands]
    assert command == ["SET", "k", "EX", 60]
    assert json.loads(str(text)) == VALUE
    assert (result["is_changed"], redis.sent_once) == (True, [])


def test_a_value_that_is_there_is_left_when_asked_so_and_the_command_is_sent_once() -> None:
    values: dict[str, object] = {"operation": "set", "key": "k", "value": VALUE, "ttl_s": 60, "only_if_absent": True}
    result, redis = run(values, SET=None)
    assert redis.commands[0][-3:] == ("EX", 60, "NX")
    assert (result["is_changed"], redis.sent_once) == (False, ["SET"])


def test_get_tells_a_missing_key_from_a_value() -> None:
    missing, _ = run({"operation": "get", "key": "k"}, GET=None)
    assert (missing["is_found"], missing["value"]) == (False, None)
    found, _ = run({"operation": "get", "key": "k"}, GET=json.dumps(VALUE))
    assert (found["is_found"], found["value"]) == (True, VALUE)


def test_a_text_of_another_program_is_given_as_it_is() -> None:
    assert run({"operation": "get", "key": "k"}, GET="plain text")[0]["value"] == "plain text"


def test_delete_says_whether_there_was_something() -> None:
    values: dict[str, object] = {"operation": "delete", "key": "k"}
    done, redis = run(values, DEL=1)
    nothing, _ = run(values, DEL=0)
    assert redis.commands == [("DEL", "k")]
    assert (done["is_changed"], nothing["is_changed"]) == (True, False)


def test_expire_says_whether_there_was_something() -> None:
    values: dict[str, object] = {"operation": "expire", "key": "k", "ttl_s": 60}
    done, redis = run(values, EXPIRE=1)
    nothing, _ = run(values, EXPIRE=0)
    assert redis.commands == [("EXPIRE", "k", 60)]
    assert (done["is_changed"], nothing["is_changed"]) == (True, False)


def test_exists_says_whether_the_key_is_there() -> None:
    assert [run({"operation": "exists", "key": "k"}, EXISTS=n)[0]["is_found"] for n in (0, 1)] == [False, True]


def test_expire_without_a_time_is_refused() -> None:
    with pytest.raises(ModelOnexError, match="ttl_s") as failure:
        run({"operation": "expire", "key": "k"})
    assert failure.value.error_code == EnumCoreErrorCode.VALIDATION_ERROR


def test_an_operation_that_takes_too_long_is_a_timeout() -> None:
    class SilentRedis(RecordingRedis):
        async def execute(self, *arguments: object, is_repeatable: bool = True) -> Reply:
            await asyncio.Event().wait()
            return None

    async def scenario() -> None:
        node = NodeRedisCacheEffect(ModelONEXContainer())
        prepare(node)
        node.client = SilentRedis()
        assert node.config is not None
        node.config = node.config.model_copy(update={"deadline_s": 0.01})
        await node.process(ModelEffectInput(effect_type=EnumEffectType.DATABASE_OPERATION, operation_data=SAMPLE))

    with pytest.raises(ModelOnexError) as failure:
        asyncio.run(scenario())
    assert failure.value.error_code == EnumCoreErrorCode.TIMEOUT_ERROR


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
