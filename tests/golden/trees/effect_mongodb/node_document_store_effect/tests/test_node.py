"""Tests of NodeDocumentStoreEffect; they need no server and run with plain pytest."""

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

from ..logic import Document
from ..models import ModelDocumentStoreInput
from ..node import NodeDocumentStoreEffect
from .support import MemorySession, prepare

SAMPLE: dict[str, Any] = {"collection": "records", "document": {"_id": "1", "name": "example"}}


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        ModelDocumentStoreInput.model_validate({"no_such_field": 1})


def test_the_node_initialises_and_announces_itself() -> None:
    async def scenario() -> list[str]:
        node = NodeDocumentStoreEffect(ModelONEXContainer())
        bus = RecordingBus()
        node.announcer.bind(bus)
        await node.initialize()
        await node.cleanup()
        return bus.topics

    assert asyncio.run(scenario()) == ["onex.evt.platform.node-introspection.v1"]


def test_a_failing_bus_does_not_stop_the_node() -> None:
    async def scenario() -> str:
        node = NodeDocumentStoreEffect(ModelONEXContainer())
        node.announcer.bind(FailingBus())
        await node.initialize()
        return str(node.get_state()["status"])

    assert asyncio.run(scenario()) == "ready"


def perform(values: dict[str, object]) -> tuple[dict[str, object], object]:
    async def scenario() -> tuple[dict[str, object], object]:
        node = NodeDocumentStoreEffect(ModelONEXContainer())
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


def perform_after(
    values: dict[str, object], *failures: Exception, documents: tuple[Document, ...] = ()
) -> tuple[dict[str, object], MemorySession]:
    """One operation on a session whose first calls fail."""

    async def scenario() -> tuple[dict[str, object], MemorySession]:
        node = NodeDocumentStoreEffect(ModelONEXContainer())
        session = prepare(node)
        session.failures.extend(failures)
        session.documents.extend(documents)
        request = ModelEffectInput(
            effect_type=EnumEffectType.DATABASE_OPERATION, operation_data={"collection": "records", **values}
        )
        output = await node.process(request)
        assert isinstance(output.result, dict)
        return output.result, session

    return asyncio.run(scenario())


def lost() -> ModelOnexError:
    return ModelOnexError(message="lost", error_code=EnumCoreErrorCode.NETWORK_ERROR)


def test_an_operation_whose_connection_was_lost_is_tried_again() -> None:
    result, session = perform_after(SAMPLE, lost())
    assert result["attempts"] == 2
    assert session.is_closed


def test_attempts_end() -> None:
    with pytest.raises(ModelOnexError, match="tried 3 times"):
        perform_after(SAMPLE, *[lost()] * 3)


@pytest.mark.parametrize("values", [{"$where": "1"}, {"a": {"$ne": None}}, {"a": [{"b": {"$gt": ""}}]}, {"a\0": 1}])
def test_operators_in_values_are_refused(values: Document) -> None:
    place = "document"
    with pytest.raises(ModelOnexError, match="operators are not accepted"):
        perform_after({**SAMPLE, place: values})


def test_an_insert_whose_answer_was_lost_leaves_one_document() -> None:
    result, session = perform_after({"operation": "insert", "document": {"name": "Ada"}}, lost())
    assert [document["name"] for document in session.documents] == ["Ada"]
    assert result["document_id"] == session.documents[0]["_id"]


def test_another_document_under_the_same_id_is_refused() -> None:
    values: dict[str, object] = {"operation": "insert", "document": {"_id": "1", "name": "new"}}
    with pytest.raises(ModelOnexError) as refusal:
        perform_after(values, documents=({"_id": "1", "name": "old"},))
    assert refusal.value.error_code == EnumCoreErrorCode.INVALID_STATE


def test_an_upsert_done_twice_leaves_one_document() -> None:
    values: dict[str, object] = {"operation": "upsert", "document": {"_id": "1", "name": "new"}}
    _, session = perform_after(values, documents=({"_id": "1", "name": "old"},))
    assert session.documents == [{"_id": "1", "name": "new"}]
    with pytest.raises(ModelOnexError, match="needs match"):
        perform_after({"operation": "upsert", "document": {"name": "new"}})


def test_an_update_changes_only_what_matches() -> None:
    known: tuple[Document, ...] = ({"_id": "1"}, {"_id": "2"})
    values: dict[str, object] = {"operation": "update", "match": {"_id": "2"}, "document": {"name": "x"}}
    result, session = perform_after(values, documents=known)
    assert (result["count"], session.documents) == (1, [{"_id": "1"}, {"_id": "2", "name": "x"}])
    with pytest.raises(ModelOnexError, match="never changes"):
        perform_after({**values, "match": {}})


def test_a_delete_removes_only_what_matches() -> None:
    values: dict[str, object] = {"operation": "delete", "match": {"_id": "2"}}
    result, session = perform_after(values, documents=({"_id": "1"}, {"_id": "2"}))
    assert (result["count"], session.documents) == (1, [{"_id": "1"}])
    with pytest.raises(ModelOnexError, match="never empties"):
        perform_after({"operation": "delete"})


def test_a_find_gives_what_matches_up_to_its_limit() -> None:
    known: tuple[Document, ...] = tuple({"_id": str(n), "even": n % 2 == 0} for n in range(6))
    result, _ = perform_after({"operation": "find", "match": {"even": True}, "limit": 2}, documents=known)
    assert result["documents"] == [{"_id": "0", "even": True}, {"_id": "2", "even": True}]


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
