"""The OpenAI chat format as vLLM and most clouds speak it. Base addresses end in the version, for example `/v1`."""

from collections.abc import Mapping
from typing import Any

from omniclaude_dagster.providers.catalog import ModelEntry
from omniclaude_dagster.providers.errors import EmptyReplyError, MalformedReplyError
from omniclaude_dagster.providers.model import ChatRequest, Message
from omniclaude_dagster.providers.wire import Finish, WireReply, schema_instruction, text_of, with_instruction

_FINISH: dict[str, Finish] = {"stop": "stop", "length": "length", "content_filter": "refused"}


class OpenAICompatibleFormat:
    """`POST /chat/completions`, `GET /models`."""

    def chat_path(self, entry: ModelEntry) -> str:  # noqa: ARG002
        """Path of the chat call."""
        return "/chat/completions"

    def models_path(self) -> str:
        """Path of the list of models."""
        return "/models"

    def headers(self, key: str | None) -> dict[str, str]:
        """Bearer token, if there is a key."""
        return {"Authorization": f"Bearer {key}"} if key else {}

    def chat_body(self, request: ChatRequest, *, entry: ModelEntry) -> dict[str, Any]:
        """Body with `response_format` where the model's host enforces schemas, and the schema in words elsewhere."""
        messages = list(request.messages)
        body: dict[str, Any] = {"model": entry.remote_model, entry.output_limit_field: request.max_tokens}
        if entry.is_temperature_settable:
            body["temperature"] = request.temperature
        if request.json_schema is not None:
            body_format, messages = _constrained(request.json_schema, messages=messages, entry=entry)
            body |= body_format
        return body | {"messages": [{"role": m.role, "content": m.content} for m in messages]}

    def read(self, body: Mapping[str, Any], *, request: ChatRequest) -> WireReply:  # noqa: ARG002
        """Read the first choice."""
        choice = _first_choice(body)
        message = choice.get("message")
        if not isinstance(message, dict):
            raise MalformedReplyError("the choice holds no message.", cure="check what serves this address")
        finish_detail = str(choice.get("finish_reason"))
        usage = body.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        content = message.get("content")
        return WireReply(
            text="" if content is None else text_of(content, where="the message"),
            finish="refused" if message.get("refusal") else _FINISH.get(finish_detail, "other"),
            finish_detail=finish_detail,
            tokens_input=usage.get("prompt_tokens"),
            tokens_output=usage.get("completion_tokens"),
        )

    def model_ids(self, body: Mapping[str, Any]) -> tuple[str, ...]:
        """Ids in the order of the list."""
        data = body.get("data")
        models = data if isinstance(data, list) else []
        return tuple(m["id"] for m in models if isinstance(m, dict) and isinstance(m.get("id"), str) and m["id"])


def _first_choice(body: Mapping[str, Any]) -> dict[str, Any]:
    choices = body.get("choices")
    if choices is None and "error" in body:
        raise MalformedReplyError("the host reported an error with status 200.", cure="see the host's log")
    if not isinstance(choices, list) or not choices:
        raise EmptyReplyError("the answer holds no choices.", cure="ask again or use another model")
    if not isinstance(choices[0], dict):
        raise MalformedReplyError("the choice is not an object.", cure="check what serves this address")
    return choices[0]


def _constrained(
    schema: Mapping[str, Any], *, messages: list[Message], entry: ModelEntry
) -> tuple[dict[str, Any], list[Message]]:
    if "json_schema" in entry.capabilities:
        named = {"name": "reply", "schema": dict(schema), "strict": is_strict_compatible(schema)}
        return {"response_format": {"type": "json_schema", "json_schema": named}}, messages
    messages = with_instruction(messages, schema_instruction(schema))
    if "json_object" in entry.capabilities:
        return {"response_format": {"type": "json_object"}}, messages
    return {}, messages


def is_strict_compatible(schema: object) -> bool:
    """Whether OpenAI's strict mode takes the schema: objects are closed and require all their properties."""
    if isinstance(schema, list):
        return all(is_strict_compatible(part) for part in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object":
        is_closed = schema.get("additionalProperties") is False
        if not is_closed or set(schema.get("required", ())) != set(schema.get("properties", {})):
            return False
    return all(is_strict_compatible(part) for part in schema.values())
