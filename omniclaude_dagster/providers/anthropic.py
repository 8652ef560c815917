"""Anthropic's messages format. Base addresses end in the version, for example `/v1`."""

import json
from collections.abc import Mapping
from typing import Any

from omniclaude_dagster.providers.catalog import ModelEntry
from omniclaude_dagster.providers.errors import EmptyReplyError, MalformedReplyError
from omniclaude_dagster.providers.model import ChatRequest
from omniclaude_dagster.providers.wire import Finish, WireReply, schema_instruction, text_of, with_instruction

_VERSION = "2023-06-01"
_TOOL = "reply"
_FINISH: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refused",
}


class AnthropicFormat:
    """`POST /messages`, `GET /models`. A schema becomes the input of a tool that the model must call."""

    def chat_path(self, entry: ModelEntry) -> str:  # noqa: ARG002
        """Path of the chat call."""
        return "/messages"

    def models_path(self) -> str:
        """Path of the list of models."""
        return "/models?limit=1000"

    def headers(self, key: str | None) -> dict[str, str]:
        """Key and version of the format."""
        return {"anthropic-version": _VERSION} | ({"x-api-key": key} if key else {})

    def chat_body(self, request: ChatRequest, *, entry: ModelEntry) -> dict[str, Any]:
        """Messages, with the system text apart and the schema as a forced tool call."""
        messages = list(request.messages)
        body: dict[str, Any] = {"model": entry.remote_model, "max_tokens": request.max_tokens}
        if entry.is_temperature_settable:
            body["temperature"] = request.temperature
        if request.json_schema is not None:
            if _is_tool_schema(request.json_schema):
                tool = {"name": _TOOL, "description": "Give the answer.", "input_schema": dict(request.json_schema)}
                body |= {
                    "tools": [tool],
                    "tool_choice": {"type": "tool", "name": _TOOL, "disable_parallel_tool_use": True},
                }
            else:
                messages = with_instruction(messages, schema_instruction(request.json_schema))
        system = "\n\n".join(m.content for m in messages if m.role == "system")
        body["messages"] = [{"role": m.role, "content": m.content} for m in messages if m.role != "system"]
        return body | ({"system": system} if system else {})

    def read(self, body: Mapping[str, Any], *, request: ChatRequest) -> WireReply:
        """Read the text blocks, or the forced tool's input when a schema was asked for."""
        blocks = body.get("content")
        if not isinstance(blocks, list):
            raise EmptyReplyError("the answer holds no content.", cure="ask again or use another model")
        if not all(isinstance(block, dict) for block in blocks):
            raise MalformedReplyError("a block of the answer is not an object.", cure="check what serves this address")
        is_tool_asked = request.json_schema is not None and _is_tool_schema(request.json_schema)
        finish_detail = str(body.get("stop_reason"))
        is_tool_called = is_tool_asked and finish_detail == "tool_use"
        usage = body.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        return WireReply(
            text=_tool_input(blocks) if is_tool_called else _joined_text(blocks),
            finish="stop" if is_tool_called else _FINISH.get(finish_detail, "other"),
            finish_detail=finish_detail,
            tokens_input=usage.get("input_tokens"),
            tokens_output=usage.get("output_tokens"),
        )

    def model_ids(self, body: Mapping[str, Any]) -> tuple[str, ...]:
        """Ids in the order of the list."""
        data = body.get("data")
        models = data if isinstance(data, list) else []
        return tuple(m["id"] for m in models if isinstance(m, dict) and isinstance(m.get("id"), str) and m["id"])


def _is_tool_schema(schema: Mapping[str, Any]) -> bool:
    """A tool's input is always an object."""
    return schema.get("type") == "object"


def _tool_input(blocks: list[dict[str, Any]]) -> str:
    call = next((b for b in blocks if b.get("type") == "tool_use" and b.get("name") == _TOOL), None)
    if call is None or not isinstance(call.get("input"), dict):
        raise EmptyReplyError("the answer calls no tool with an input.", cure="ask again or use another model")
    return text_of(json.dumps(call["input"], ensure_ascii=False), where="the tool's input")


def _joined_text(blocks: list[dict[str, Any]]) -> str:
    return "".join(text_of(b.get("text"), where="a block") for b in blocks if b.get("type") == "text")
