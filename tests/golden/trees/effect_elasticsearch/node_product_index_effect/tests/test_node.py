"""Tests of NodeProductIndexEffect; they need no server and run with plain pytest."""

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

from ..models import ModelProductIndexInput
from ..node import NodeProductIndexEffect
from .support import ANSWER, ScriptedServer, prepare

SAMPLE: dict[str, Any] = {"index": "records", "document_id": "1", "document": {"name": "example"}}


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        ModelProductIndexInput.model_validate({"no_such_field": 1})


def test_the_node_initialises_and_announces_itself() -> None:
    async def scenario() -> list[str]:
        node = NodeProductIndexEffect(ModelONEXContainer())
        bus = RecordingBus()
        node.announcer.bind(bus)
        await node.initialize()
        await node.cleanup()
        return bus.topics

    assert asyncio.run(scenario()) == ["onex.evt.platform.node-introspection.v1"]


def test_a_failing_bus_does_not_stop_the_node() -> None:
    async def scenario() -> str:
        node = NodeProductIndexEffect(ModelONEXContainer())
        node.announcer.bind(FailingBus())
        await node.initialize()
        return str(node.get_state()["status"])

    assert asyncio.run(scenario()) == "ready"


def perform(values: dict[str, object]) -> tuple[dict[str, object], object]:
    async def scenario() -> tuple[dict[str, object], object]:
        node = NodeProductIndexEffect(ModelONEXContainer())
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


def ask(values: dict[str, object], *answers: tuple[int, object]) -> tuple[dict[str, object], ScriptedServer]:
    """One operation on a server that answers as scripted."""

    async def scenario() -> tuple[dict[str, object], ScriptedServer]:
        node = NodeProductIndexEffect(ModelONEXContainer())
        server = prepare(node, answers or ((200, ANSWER),))
        request = ModelEffectInput(
            effect_type=EnumEffectType.DATABASE_OPERATION, operation_data={"index": "records", **values}
        )
        output = await node.process(request)
        assert isinstance(output.result, dict)
        return output.result, server

    return asyncio.run(scenario())


def test_a_busy_server_is_asked_again() -> None:
    result, server = ask(SAMPLE, (429, {"error": "busy"}), (503, {"error": "busy"}), (200, ANSWER))
    assert (result["attempts"], len(server.requests)) == (3, 3)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, EnumCoreErrorCode.DATABASE_OPERATION_ERROR),
        (401, EnumCoreErrorCode.AUTHENTICATION_ERROR),
        (404, EnumCoreErrorCode.NOT_FOUND),
        (429, EnumCoreErrorCode.RATE_LIMIT_ERROR),
        (503, EnumCoreErrorCode.SERVICE_UNAVAILABLE),
    ],
)
def test_a_refusal_has_a_code_of_its_own(status: int, code: EnumCoreErrorCode) -> None:
    with pytest.raises(ModelOnexError) as refusal:
        ask(SAMPLE, (status, {"error": {"type": "some_exception", "reason": "a reason"}, "status": status}))
    assert refusal.value.error_code == code


def test_an_answer_of_another_server_is_named_as_such() -> None:
    with pytest.raises(ModelOnexError, match="check ELASTICSEARCH_URL"):
        ask(SAMPLE, (200, ["no", "index"]))


def test_an_index_name_that_means_others_is_refused() -> None:
    for name in ("_all", "a,b", "*", "../x", ""):
        with pytest.raises(ModelOnexError):
            ask({**SAMPLE, "index": name})


@pytest.mark.parametrize("document_id", ["..", "."])
def test_an_id_that_would_be_another_address_is_refused(document_id: str) -> None:
    with pytest.raises(ModelOnexError, match="names no document"):
        ask({**SAMPLE, "operation": "index", "document_id": document_id})


def test_a_document_is_put_under_its_id_and_an_id_is_made_up_without_one() -> None:
    _, server = ask({"operation": "index", "document_id": "a/b", "document": {"name": "x"}})
    assert server.requests[0].url.raw_path == b"/records/_doc/a%2Fb?refresh=false"
    assert json.loads(server.requests[0].content) == {"name": "x"}
    result, _ = ask({"operation": "index", "document": {"name": "x"}})
    assert result["document_id"]


def test_the_same_document_may_be_created_twice_and_another_is_refused() -> None:
    values: dict[str, object] = {"operation": "index", "document_id": "1", "only_if_absent": True}
    conflict = (409, {"error": {"type": "version_conflict_engine_exception", "reason": "exists"}})
    result, _ = ask({**values, "document": {"name": "example"}}, conflict, (200, ANSWER))
    assert result["document_id"] == "1"
    with pytest.raises(ModelOnexError, match="HTTP 409"):
        ask({**values, "document": {"name": "other"}}, conflict, (200, ANSWER))


def test_a_document_that_is_not_there_says_so() -> None:
    with pytest.raises(ModelOnexError, match="there is no document 9"):
        ask({"operation": "get", "document_id": "9"}, (404, {"_id": "9", "found": False}))


def test_a_search_asks_for_words_and_exact_values() -> None:
    result, server = ask({"operation": "search", "match": {"name": "lamp"}, "term": {"price": 3}, "limit": 5})
    assert json.loads(server.requests[0].content) == {
        "size": 5,
        "track_total_hits": True,
        "query": {"bool": {"must": [{"match": {"name": "lamp"}}], "filter": [{"term": {"price": 3}}]}},
    }
    assert (result["documents"], result["total"]) == ({"1": {"name": "example"}}, 1)


def test_a_search_without_words_finds_everything() -> None:
    _, server = ask({"operation": "search"})
    assert json.loads(server.requests[0].content)["query"] == {"match_all": {}}


def test_a_delete_of_nothing_is_no_failure() -> None:
    result, _ = ask({"operation": "delete", "document_id": "9"}, (404, {"_id": "9", "result": "not_found"}))
    assert result["count"] == 0


def test_a_bulk_reports_each_document_that_was_refused() -> None:
    failed = {"_id": "2", "status": 400, "error": {"type": "mapper_parsing_exception", "reason": "no number"}}
    answer = {"errors": True, "items": [{"index": {"_id": "1", "status": 201}}, {"index": failed}]}
    result, server = ask({"operation": "bulk", "documents": {"1": {"n": 1}, "2": {"n": "x"}}}, (200, answer))
    assert (result["count"], result["failures"]) == (1, {"2": "no number"})
    assert server.requests[0].content.endswith(b"\n")


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
