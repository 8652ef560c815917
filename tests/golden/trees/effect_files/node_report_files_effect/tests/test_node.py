"""Tests of NodeReportFilesEffect; they need no server and run with plain pytest."""

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

from ..models import ModelReportFilesInput
from ..node import NodeReportFilesEffect
from .support import prepare

SAMPLE: dict[str, Any] = {"path": "example.txt", "content": "example"}


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        ModelReportFilesInput.model_validate({"no_such_field": 1})


def test_the_node_initialises_and_announces_itself() -> None:
    async def scenario() -> list[str]:
        node = NodeReportFilesEffect(ModelONEXContainer())
        bus = RecordingBus()
        node.announcer.bind(bus)
        await node.initialize()
        await node.cleanup()
        return bus.topics

    assert asyncio.run(scenario()) == ["onex.evt.platform.node-introspection.v1"]


def test_a_failing_bus_does_not_stop_the_node() -> None:
    async def scenario() -> str:
        node = NodeReportFilesEffect(ModelONEXContainer())
        node.announcer.bind(FailingBus())
        await node.initialize()
        return str(node.get_state()["status"])

    assert asyncio.run(scenario()) == "ready"


def perform(values: dict[str, object]) -> tuple[dict[str, object], object]:
    async def scenario() -> tuple[dict[str, object], object]:
        node = NodeReportFilesEffect(ModelONEXContainer())
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


def test_a_path_outside_the_root_is_refused() -> None:
    with pytest.raises(ModelOnexError, match="outside the root"):
        perform({**SAMPLE, "path": "../escape.txt"})


def test_what_was_written_is_there() -> None:
    result, root = perform({"path": "a/b.txt", "content": "text", "operation": "write"})
    assert (root / "a" / "b.txt").read_text() == "text"  # type: ignore[operator]
    assert result["size_bytes"] == 4


def test_a_missing_file_says_so() -> None:
    with pytest.raises(ModelOnexError, match="does not exist"):
        perform({"path": "missing.txt", "operation": "read"})


def test_a_folder_is_not_a_file() -> None:
    with pytest.raises(ModelOnexError, match="is not a file"):
        perform({**SAMPLE, "path": ".", "operation": "write"})


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
