"""The gateway against a real vLLM: text, schema-constrained output, the token limit, usage, status."""

import asyncio
import json

import pytest

from omniclaude_dagster.providers import errors
from omniclaude_dagster.providers.gateway import HttpModelGateway, build_gateway
from omniclaude_dagster.settings import Settings
from tests.support.model_gateways import chat_request

pytestmark = [pytest.mark.integration, pytest.mark.vllm]

KIND_SCHEMA = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "enum": ["EFFECT", "COMPUTE", "REDUCER", "ORCHESTRATOR"]},
        "name": {"type": "string", "minLength": 1, "maxLength": 24},
    },
    "required": ["kind", "name"],
    "additionalProperties": False,
}


@pytest.fixture
def gateway(vllm_base_url: str, vllm_model_name: str) -> HttpModelGateway:
    return build_gateway(
        Settings.model_validate({"model_base_url": vllm_base_url, "model_name": vllm_model_name, "model_configs": None})
    )


async def test_a_real_model_answers_with_real_usage(gateway: HttpModelGateway, vllm_model_name: str) -> None:
    # An enum is what makes a model of any size stop: the grammar ends there.
    schema = {"type": "string", "enum": ["Paris", "Rome"]}
    reply = await gateway.chat(
        chat_request("The capital of France, as JSON?", json_schema=schema, deadline_s=120), model=vllm_model_name
    )
    assert reply.data in {"Paris", "Rome"}
    assert json.loads(reply.text) == reply.data
    assert reply.call.is_success
    assert not reply.call.is_usage_estimated
    assert reply.call.tokens_input > 5
    assert reply.call.tokens_output > 0
    assert reply.call.latency_ms > 0


async def test_a_schema_is_really_held_to(gateway: HttpModelGateway, vllm_model_name: str) -> None:
    request = chat_request(
        "Which kind of node is 'write rows to PostgreSQL', and what would you call it? Answer in JSON.",
        json_schema=KIND_SCHEMA,
        max_tokens=120,
        deadline_s=120,
    )
    reply = await gateway.chat(request, model=vllm_model_name)
    assert set(reply.data) == {"kind", "name"}
    assert reply.data["kind"] in KIND_SCHEMA["properties"]["kind"]["enum"]  # type: ignore[index]
    assert 1 <= len(reply.data["name"]) <= 24


async def test_an_answer_at_the_token_limit_is_not_accepted(gateway: HttpModelGateway, vllm_model_name: str) -> None:
    request = chat_request("Write a long story about a river.", max_tokens=8, deadline_s=120)
    with pytest.raises(errors.TruncatedReplyError) as caught:
        await gateway.chat(request, model=vllm_model_name)
    assert caught.value.call is not None
    assert caught.value.call.tokens_output == 8
    assert caught.value.text


async def test_a_prompt_beyond_the_context_is_rejected_without_retry(
    gateway: HttpModelGateway, vllm_model_name: str
) -> None:
    with pytest.raises(errors.RejectedRequestError, match=r"400.*context") as caught:
        await gateway.chat(chat_request("word " * 200_000, deadline_s=120), model=vllm_model_name)
    assert caught.value.call is not None
    assert caught.value.call.attempts == 1


async def test_sixteen_at_once_all_answer(gateway: HttpModelGateway, vllm_model_name: str) -> None:
    requests = [
        chat_request(f"node {i}, in JSON", json_schema=KIND_SCHEMA, max_tokens=160, deadline_s=300) for i in range(16)
    ]
    replies = await asyncio.gather(*(gateway.chat(request, model=vllm_model_name) for request in requests))
    assert len({reply.call.call_id for reply in replies}) == 16
    assert all(reply.data["kind"] for reply in replies)


async def test_status_finds_the_real_model(gateway: HttpModelGateway, vllm_base_url: str) -> None:
    first = (await gateway.status())[0]
    assert (first.hosts, first.is_reachable, first.reason) == ((vllm_base_url,), True, "ready")
    assert gateway.candidates("3")[0] == first.name
