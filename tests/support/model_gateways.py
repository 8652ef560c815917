"""Builders for gateways and requests in tests; short waits, otherwise the real thing."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import httpx

from omniclaude_dagster.providers.catalog import Catalog, ModelEntry, catalog_of
from omniclaude_dagster.providers.gateway import GatewayPolicy, HttpModelGateway
from omniclaude_dagster.providers.model import ChatRequest, Message
from omniclaude_dagster.providers.resilience import CircuitPolicy, Clock, RetryPolicy

SECRET = "sk-test-0123456789-very-secret"
QUICK = GatewayPolicy(
    retry=RetryPolicy(max_attempts=3, first_wait_s=0.01, longest_wait_s=0.02, longest_retry_after_s=1.0),
    circuit=CircuitPolicy(failures_to_open=3, first_pause_s=0.2, longest_pause_s=0.4),
    probe_timeout_s=0.5,
)
NAME_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}},
    "required": ["name"],
    "additionalProperties": False,
}


def chat_request(
    prompt: str = "write a function",
    *,
    stage: str = "3",
    json_schema: Mapping[str, Any] | None = None,
    deadline_s: float = 20.0,
    max_tokens: int = 64,
    system: str | None = None,
) -> ChatRequest:
    """A request with one user message."""
    messages = [Message("system", system)] if system is not None else []
    return ChatRequest(
        stage=stage,
        messages=[*messages, Message("user", prompt)],
        correlation_id=uuid.uuid4(),
        max_tokens=max_tokens,
        json_schema=json_schema,
        deadline_s=deadline_s,
    )


def model_entry(name: str = "test-model", **changes: Any) -> ModelEntry:
    """A cloud-priced entry: 1 USD in, 2 USD out per million tokens."""
    document: dict[str, Any] = {
        "name": name,
        "provider": "openai_compatible",
        "is_local": False,
        "hosts": ["http://127.0.0.1:9/v1"],
        "remote_model": "scripted-model",
        "api_key_env": "TEST_API_KEY",
        "context_window": 8192,
        "capabilities": ["json_schema"],
        "prices": [price("2025-01-01", "1", "2")],
    }
    return ModelEntry.model_validate(document | changes)


def price(day: str, usd_in: str, usd_out: str) -> dict[str, Any]:
    """A price as a catalog file has it."""
    return {
        "effective_date": date.fromisoformat(day),
        "input_usd_per_million_tokens": usd_in,
        "output_usd_per_million_tokens": usd_out,
    }


def gateway_with(
    entries: Sequence[ModelEntry] | Catalog,
    *,
    secrets: Mapping[str, str] | None = None,
    policy: GatewayPolicy = QUICK,
    clock: Clock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    **settings: Any,
) -> HttpModelGateway:
    """A gateway that knows these models; TEST_API_KEY is set unless `secrets` says otherwise."""
    known = {"TEST_API_KEY": SECRET} if secrets is None else secrets
    return HttpModelGateway(
        entries if isinstance(entries, Catalog) else catalog_of(entries),
        read_secret=known.get,
        policy=policy,
        clock=clock,
        transport=transport,
        **settings,
    )
