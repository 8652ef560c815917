"""Tests of NodeInvoiceStoreEffect; they need no server and run with plain pytest."""

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

from ..models import ModelInvoiceStoreInput
from ..node import NodeInvoiceStoreEffect
from .support import MemoryBucket, prepare

SAMPLE: dict[str, Any] = {"key": "example.txt", "content": "example"}


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        ModelInvoiceStoreInput.model_validate({"no_such_field": 1})


def test_the_node_initialises_and_announces_itself() -> None:
    async def scenario() -> list[str]:
        node = NodeInvoiceStoreEffect(ModelONEXContainer())
        bus = RecordingBus()
        node.announcer.bind(bus)
        await node.initialize()
        await node.cleanup()
        return bus.topics

    assert asyncio.run(scenario()) == ["onex.evt.platform.node-introspection.v1"]


def test_a_failing_bus_does_not_stop_the_node() -> None:
    async def scenario() -> str:
        node = NodeInvoiceStoreEffect(ModelONEXContainer())
        node.announcer.bind(FailingBus())
        await node.initialize()
        return str(node.get_state()["status"])

    assert asyncio.run(scenario()) == "ready"


def perform(values: dict[str, object]) -> tuple[dict[str, object], object]:
    async def scenario() -> tuple[dict[str, object], object]:
        node = NodeInvoiceStoreEffect(ModelONEXContainer())
        outside = prepare(node)
        request = ModelEffectInput(effect_type=EnumEffectType.FILE_OPERATION, operation_data=values)
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


def perform_after(
    values: dict[str, object], *failures: Exception, objects: dict[str, bytes] | None = None
) -> tuple[dict[str, object], MemoryBucket]:
    """One operation on a bucket whose first calls fail."""

    async def scenario() -> tuple[dict[str, object], MemoryBucket]:
        node = NodeInvoiceStoreEffect(ModelONEXContainer())
        bucket = prepare(node)
        bucket.failures.extend(failures)
        bucket.objects |= objects or {}
        request = ModelEffectInput(effect_type=EnumEffectType.FILE_OPERATION, operation_data=values)
        output = await node.process(request)
        assert isinstance(output.result, dict)
        return output.result, bucket

    return asyncio.run(scenario())


def failure(code: EnumCoreErrorCode) -> ModelOnexError:
    return ModelOnexError(message="a failure", error_code=code)


def test_a_failure_that_can_pass_is_tried_again_and_the_bucket_is_closed() -> None:
    result, bucket = perform_after(SAMPLE, failure(EnumCoreErrorCode.NETWORK_ERROR))
    assert result["attempts"] == 2
    assert bucket.is_closed


def test_attempts_end() -> None:
    with pytest.raises(ModelOnexError, match="tried 3 times"):
        perform_after(SAMPLE, *[failure(EnumCoreErrorCode.SERVICE_UNAVAILABLE)] * 3)


def test_refused_credentials_are_not_tried_again() -> None:
    with pytest.raises(ModelOnexError) as refusal:
        perform_after(SAMPLE, failure(EnumCoreErrorCode.AUTHENTICATION_ERROR))
    assert refusal.value.error_code == EnumCoreErrorCode.AUTHENTICATION_ERROR


def test_what_was_put_is_there() -> None:
    _, bucket = perform_after({"key": "a", "operation": "put", "content": "aGk=", "is_base64": True})
    assert bucket.objects["a"] == b"hi"


def test_the_same_content_may_be_put_twice_and_other_content_is_kept() -> None:
    values = {"key": "a", "operation": "put", "content": "new", "only_if_absent": True}
    result, _ = perform_after(values, objects={"a": b"new"})
    assert result["size_bytes"] == 3
    with pytest.raises(ModelOnexError) as refusal:
        perform_after(values, objects={"a": b"old"})
    assert refusal.value.error_code == EnumCoreErrorCode.INVALID_STATE


@pytest.mark.parametrize("changes", [{"content": "no base64!", "is_base64": True}, {"content": "x" * 1001}])
def test_content_that_cannot_be_stored_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ModelOnexError) as refusal:
        perform_after({"key": "a", "operation": "put", **changes})
    assert refusal.value.error_code == EnumCoreErrorCode.VALIDATION_ERROR


def test_text_comes_back_as_text_and_bytes_as_base64() -> None:
    text, _ = perform_after({"key": "a", "operation": "get"}, objects={"a": "é".encode()})
    data, _ = perform_after({"key": "a", "operation": "get"}, objects={"a": b"\xff"})
    assert (text["content"], text["is_base64"]) == ("é", False)
    assert (data["content"], data["is_base64"]) == ("/w==", True)


def test_a_list_says_whether_there_is_more() -> None:
    values = {"key": "a/", "operation": "list", "limit": 2}
    first, _ = perform_after(values, objects=dict.fromkeys(["a/1", "a/2", "a/3"], b""))
    last, _ = perform_after({**values, "start_after": "a/2"}, objects=dict.fromkeys(["a/1", "a/2", "a/3"], b""))
    assert (first["keys"], first["is_truncated"]) == (["a/1", "a/2"], True)
    assert (last["keys"], last["is_truncated"]) == (["a/3"], False)


def test_a_delete_may_be_done_twice() -> None:
    _, bucket = perform_after({"key": "example.txt", "operation": "delete"})
    assert bucket.objects == {}
    perform_after({"key": "missing", "operation": "delete"})


def test_an_address_ends_when_it_was_asked_to() -> None:
    result, _ = perform_after({"key": "a", "operation": "presign", "expires_s": 60})
    assert str(result["url"]).endswith("expires=60")


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
