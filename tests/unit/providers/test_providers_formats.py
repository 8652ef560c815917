"""The three vendors' formats, without sockets: what is asked, how replies are read."""

import json
from typing import Any

import pytest

from omniclaude_dagster.providers import errors
from omniclaude_dagster.providers.anthropic import AnthropicFormat
from omniclaude_dagster.providers.gemini import GeminiFormat, response_schema
from omniclaude_dagster.providers.model import ChatRequest, Message
from omniclaude_dagster.providers.openai_compatible import OpenAICompatibleFormat, is_strict_compatible
from omniclaude_dagster.providers.wire import WireFormat, WireReply, json_object, parsed_data
from tests.support.model_gateways import NAME_SCHEMA, chat_request, model_entry

TALK = [
    Message("system", "be brief"),
    Message("user", "hello"),
    Message("assistant", "hi"),
    Message("user", "name a node"),
]


def _request(**changes: Any) -> ChatRequest:
    base = chat_request(**changes)
    return ChatRequest(**{**base.__dict__, "messages": TALK})


# OpenAI-compatible


def test_openai_sends_the_messages_as_they_are() -> None:
    body = OpenAICompatibleFormat().chat_body(_request(max_tokens=99), entry=model_entry())
    assert body == {
        "model": "scripted-model",
        "max_tokens": 99,
        "temperature": 0.0,
        "messages": [{"role": m.role, "content": m.content} for m in TALK],
    }


def test_openai_reasoning_models_get_their_own_limit_and_no_temperature() -> None:
    entry = model_entry(output_limit_field="max_completion_tokens", is_temperature_settable=False)
    body = OpenAICompatibleFormat().chat_body(_request(max_tokens=99), entry=entry)
    assert body["max_completion_tokens"] == 99
    assert not {"max_tokens", "temperature"} & set(body)


@pytest.mark.parametrize(
    ("capabilities", "response_format"),
    [
        (["json_schema"], {"type": "json_schema"}),
        (["json_object"], {"type": "json_object"}),
        ([], None),
    ],
)
def test_openai_constrains_as_far_as_the_host_can_and_says_the_rest_in_words(
    capabilities: list[str], response_format: dict[str, str] | None
) -> None:
    request = _request(json_schema=NAME_SCHEMA)
    body = OpenAICompatibleFormat().chat_body(request, entry=model_entry(capabilities=capabilities))
    is_in_words = json.dumps(NAME_SCHEMA) in body["messages"][0]["content"]
    assert (body.get("response_format") or {}).get("type") == (response_format or {}).get("type")
    assert is_in_words == (capabilities != ["json_schema"])
    assert body["messages"][0]["content"].startswith("be brief")


@pytest.mark.parametrize(
    ("schema", "is_strict"),
    [
        (NAME_SCHEMA, True),
        ({**NAME_SCHEMA, "additionalProperties": True}, False),
        ({**NAME_SCHEMA, "required": []}, False),
        ({**NAME_SCHEMA, "properties": {"name": {"type": "object"}}}, False),
        ({"type": "array", "items": NAME_SCHEMA}, True),
    ],
)
def test_strict_mode_is_claimed_only_for_closed_schemas(schema: dict[str, Any], is_strict: bool) -> None:
    assert is_strict_compatible(schema) is is_strict


def test_openai_reads_a_reply_and_a_refusal() -> None:
    body = {
        "choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    }
    assert OpenAICompatibleFormat().read(body, request=_request()) == WireReply("ok", "stop", "stop", 3, 1)
    body["choices"] = [{"message": {"content": None, "refusal": "I will not"}, "finish_reason": "stop"}]
    assert OpenAICompatibleFormat().read(body, request=_request()).finish == "refused"


# Gemini


def test_gemini_speaks_of_contents_and_keeps_the_key_out_of_the_address() -> None:
    entry = model_entry(provider="gemini", remote_model="gemini-x", thinking_budget_tokens=0)
    body = GeminiFormat().chat_body(_request(json_schema=NAME_SCHEMA), entry=entry)
    assert GeminiFormat().chat_path(entry) == "/models/gemini-x:generateContent"
    assert GeminiFormat().headers("k") == {"x-goog-api-key": "k"}
    assert body["systemInstruction"] == {"parts": [{"text": "be brief"}]}
    assert [c["role"] for c in body["contents"]] == ["user", "model", "user"]
    assert body["generationConfig"] == {
        "maxOutputTokens": 64,
        "temperature": 0.0,
        "thinkingConfig": {"thinkingBudget": 0},
        "responseMimeType": "application/json",
        "responseSchema": {k: v for k, v in NAME_SCHEMA.items() if k != "additionalProperties"},
    }


def test_gemini_schemas_lose_references_and_unknown_keywords() -> None:
    schema = {
        "$defs": {"Kind": {"enum": ["a", "b"], "type": "string"}},
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "kind": {"$ref": "#/$defs/Kind", "description": "which"},
            "note": {"type": ["string", "null"]},
            "fixed": {"const": 1},
            "list": {"type": "array", "items": {"oneOf": [{"$ref": "#/$defs/Kind"}, {"type": "integer"}]}},
        },
    }
    assert response_schema(schema)["properties"] == {
        "kind": {"enum": ["a", "b"], "type": "string", "description": "which"},
        "note": {"type": "string", "nullable": True},
        "fixed": {"enum": [1]},
        "list": {
            "type": "array",
            "items": {"anyOf": [{"enum": ["a", "b"], "type": "string"}, {"type": "integer"}]},
        },
    }


def test_gemini_schemas_that_contain_themselves_end() -> None:
    schema = {"$defs": {"N": {"type": "object", "properties": {"n": {"$ref": "#/$defs/N"}}}}, "$ref": "#/$defs/N"}
    assert len(json.dumps(response_schema(schema))) < 10_000


def test_gemini_reads_parts_without_thoughts_and_bills_them_as_output() -> None:
    body = {
        "candidates": [
            {
                "content": {"parts": [{"text": "hm", "thought": True}, {"text": "o"}, {"text": "k"}]},
                "finishReason": "STOP",
            }
        ],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "thoughtsTokenCount": 40},
    }
    assert GeminiFormat().read(body, request=_request()) == WireReply("ok", "stop", "STOP", 3, 42)


@pytest.mark.parametrize(("reason", "finish"), [("MAX_TOKENS", "length"), ("SAFETY", "refused"), ("OTHER", "other")])
def test_gemini_finish_reasons_are_understood(reason: str, finish: str) -> None:
    body = {"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": reason}]}
    assert GeminiFormat().read(body, request=_request()).finish == finish


def test_gemini_says_that_a_prompt_was_blocked() -> None:
    with pytest.raises(errors.RefusedReplyError, match="PROHIBITED"):
        GeminiFormat().read({"promptFeedback": {"blockReason": "PROHIBITED"}}, request=_request())


# Anthropic


def test_anthropic_puts_the_system_text_apart_and_the_schema_into_a_forced_tool() -> None:
    body = AnthropicFormat().chat_body(_request(json_schema=NAME_SCHEMA), entry=model_entry(provider="anthropic"))
    assert body["system"] == "be brief"
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user"]
    assert body["tools"][0]["input_schema"] == NAME_SCHEMA
    assert body["tool_choice"]["name"] == body["tools"][0]["name"]
    assert AnthropicFormat().headers("k")["x-api-key"] == "k"


def test_anthropic_asks_in_words_for_what_cannot_be_a_tools_input() -> None:
    schema = {"type": "array", "items": {"type": "string"}}
    body = AnthropicFormat().chat_body(_request(json_schema=schema), entry=model_entry(provider="anthropic"))
    assert "tools" not in body
    assert json.dumps(schema) in body["system"]


def test_anthropic_reads_the_tools_input_as_the_answer() -> None:
    body = {
        "content": [{"type": "text", "text": "so:"}, {"type": "tool_use", "name": "reply", "input": {"name": "Lé"}}],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 3, "output_tokens": 4},
    }
    reply = AnthropicFormat().read(body, request=_request(json_schema=NAME_SCHEMA))
    assert reply == WireReply('{"name": "Lé"}', "stop", "tool_use", 3, 4)


def test_anthropic_calling_a_tool_nobody_offered_is_no_complete_answer() -> None:
    body = {"content": [{"type": "text", "text": "x"}], "stop_reason": "tool_use"}
    assert AnthropicFormat().read(body, request=_request()).finish == "other"


@pytest.mark.parametrize(
    ("reason", "finish"), [("end_turn", "stop"), ("max_tokens", "length"), ("refusal", "refused"), (None, "other")]
)
def test_anthropic_stop_reasons_are_understood(reason: str | None, finish: str) -> None:
    body = {"content": [{"type": "text", "text": "x"}], "stop_reason": reason}
    assert AnthropicFormat().read(body, request=_request()).finish == finish


# All three


@pytest.mark.parametrize("wire", [OpenAICompatibleFormat(), GeminiFormat(), AnthropicFormat()])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": 3, "candidates": 3, "content": 3},
        {"choices": [3], "candidates": [3], "content": [3]},
        {"choices": [{"message": 3}], "candidates": [{"content": {"parts": [3]}}], "content": [{"type": "text"}]},
        {
            "choices": [{"message": {"content": 3}}],
            "candidates": [{"content": {"parts": [{"text": 3}]}}],
            "content": [{"type": "text", "text": 3}],
        },
        {"error": {"message": "overloaded"}},
    ],
)
def test_bodies_of_another_shape_are_typed_errors(wire: WireFormat, body: dict[str, Any]) -> None:
    with pytest.raises(errors.BadReplyError):
        wire.read(body, request=_request())


@pytest.mark.parametrize("wire", [OpenAICompatibleFormat(), GeminiFormat(), AnthropicFormat()])
@pytest.mark.parametrize("body", [{}, {"data": 3, "models": 3}, {"data": [3, {"id": 4}], "models": [3, {"name": 4}]}])
def test_model_lists_of_another_shape_are_empty(wire: WireFormat, body: dict[str, Any]) -> None:
    assert wire.model_ids(body) == ()


def test_model_lists_are_read() -> None:
    assert OpenAICompatibleFormat().model_ids({"data": [{"id": "a"}, {"id": "b"}]}) == ("a", "b")
    assert AnthropicFormat().model_ids({"data": [{"id": "c"}]}) == ("c",)
    assert GeminiFormat().model_ids({"models": [{"name": "models/g"}]}) == ("g",)


# Reading JSON


@pytest.mark.parametrize(
    "text",
    ['{"a": 1}', '```json\n{"a": 1}\n```', '```\n{"a": 1}```', '\n ```JSON\r\n{"a": 1}\r\n``` \n', ' {"a": 1}\n'],
)
def test_json_is_read_with_and_without_a_fence(text: str) -> None:
    assert parsed_data(text, schema={"type": "object"}) == {"a": 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sure!",
        'Sure: {"a": 1}',
        '```json\n{"a": 1}',
        '{"a": Infinity}',
        "[1]",
        '"text"',
        "[" * 100_000,
        "9" * 5_000,
        '{"a": 1} {"b": 2}',
    ],
)
def test_other_text_is_not_taken_for_json(text: str) -> None:
    with pytest.raises(errors.InvalidJsonError) as caught:
        parsed_data(text, schema={"type": "object"})
    assert caught.value.text == text


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"<html>", errors.HtmlReplyError),
        (b"\xef\xbb\xbf \n<!DOCTYPE html>", errors.HtmlReplyError),
        (b"[]", errors.MalformedReplyError),
        (b"null", errors.MalformedReplyError),
        (b"data: {}", errors.MalformedReplyError),
        (b"\xff", errors.MalformedReplyError),
        (b"[" * 100_000, errors.MalformedReplyError),
    ],
)
def test_bodies_that_are_no_json_object_are_typed_errors(raw: bytes, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        json_object(raw)
