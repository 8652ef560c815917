"""Google's generateContent format. Base addresses end in the version, for example `/v1beta`."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from omniclaude_dagster.providers.catalog import ModelEntry
from omniclaude_dagster.providers.errors import EmptyReplyError, MalformedReplyError, RefusedReplyError
from omniclaude_dagster.providers.model import ChatRequest
from omniclaude_dagster.providers.wire import Finish, WireReply, schema_instruction, text_of, with_instruction

_FINISH: dict[str, Finish] = {"STOP": "stop", "MAX_TOKENS": "length"}
_REFUSED = frozenset({"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"})
# `responseSchema` is a subset of OpenAPI's schema object; other keywords are answered with 400.
_SCHEMA_KEYWORDS = frozenset(
    "type title description nullable enum format pattern items minItems maxItems properties required minProperties "
    "maxProperties minLength maxLength minimum maximum anyOf default example".split()
)
_MAX_SCHEMA_DEPTH = 32


class GeminiFormat:
    """`POST /models/{id}:generateContent`, `GET /models`; the key travels in a header."""

    def chat_path(self, entry: ModelEntry) -> str:
        """Path of the chat call."""
        return f"/models/{quote(entry.remote_model, safe='')}:generateContent"

    def models_path(self) -> str:
        """Path of the list of models."""
        return "/models?pageSize=1000"

    def headers(self, key: str | None) -> dict[str, str]:
        """The key as a header, not as `?key=`."""
        return {"x-goog-api-key": key} if key else {}

    def chat_body(self, request: ChatRequest, *, entry: ModelEntry) -> dict[str, Any]:
        """Contents, system instruction and generation settings."""
        messages = list(request.messages)
        config: dict[str, Any] = {"maxOutputTokens": request.max_tokens}
        if entry.is_temperature_settable:
            config["temperature"] = request.temperature
        if entry.thinking_budget_tokens is not None:
            config["thinkingConfig"] = {"thinkingBudget": entry.thinking_budget_tokens}
        if request.json_schema is not None:
            config["responseMimeType"] = "application/json"
            if "json_schema" in entry.capabilities:
                config["responseSchema"] = response_schema(request.json_schema)
            else:
                messages = with_instruction(messages, schema_instruction(request.json_schema))
        system = [{"text": m.content} for m in messages if m.role == "system"]
        contents = [
            {"role": "model" if m.role == "assistant" else "user", "parts": [{"text": m.content}]}
            for m in messages
            if m.role != "system"
        ]
        body: dict[str, Any] = {"contents": contents, "generationConfig": config}
        return body | ({"systemInstruction": {"parts": system}} if system else {})

    def read(self, body: Mapping[str, Any], *, request: ChatRequest) -> WireReply:  # noqa: ARG002
        """Read the first candidate."""
        candidate = _first_candidate(body)
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        finish_detail = str(candidate.get("finishReason"))
        usage = body.get("usageMetadata")
        usage = usage if isinstance(usage, dict) else {}
        return WireReply(
            text="".join(_text(part) for part in parts) if isinstance(parts, list) else "",
            finish="refused" if finish_detail in _REFUSED else _FINISH.get(finish_detail, "other"),
            finish_detail=finish_detail,
            tokens_input=usage.get("promptTokenCount"),
            tokens_output=_with_thoughts(usage.get("candidatesTokenCount"), usage.get("thoughtsTokenCount")),
        )

    def model_ids(self, body: Mapping[str, Any]) -> tuple[str, ...]:
        """Names without their `models/` prefix."""
        models = body.get("models")
        names = [m.get("name") for m in models if isinstance(m, dict)] if isinstance(models, list) else []
        return tuple(name.removeprefix("models/") for name in names if isinstance(name, str) and name)


def response_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Translate a JSON Schema into Gemini's subset: references are put in place, unknown keywords left out.

    Raises MalformedReplyError never; a schema that refers to itself is cut at a depth of 32 and becomes free text.
    """
    definitions = schema.get("$defs") or schema.get("definitions") or {}
    return _translated(schema, definitions=definitions if isinstance(definitions, Mapping) else {}, depth=0)


def _translated(schema: Mapping[str, Any], *, definitions: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if depth > _MAX_SCHEMA_DEPTH:
        return {"type": "string"}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        target = definitions.get(reference.rsplit("/", 1)[-1], {})
        return _translated(
            {**target, **{k: v for k, v in schema.items() if k != "$ref"}}, definitions=definitions, depth=depth + 1
        )

    def inner(part: Any) -> Any:
        return _translated(part, definitions=definitions, depth=depth + 1) if isinstance(part, Mapping) else part

    out = {key: value for key, value in schema.items() if key in _SCHEMA_KEYWORDS}
    if "const" in schema:
        out["enum"] = [schema["const"]]
    if "oneOf" in schema:
        out["anyOf"] = schema["oneOf"]
    if isinstance(out.get("type"), list):
        kinds = [kind for kind in out["type"] if kind != "null"]
        out |= {"type": kinds[0] if kinds else "string", "nullable": "null" in out["type"]}
    if isinstance(out.get("properties"), Mapping):
        out["properties"] = {name: inner(part) for name, part in out["properties"].items()}
    if "items" in out:
        out["items"] = inner(out["items"])
    if isinstance(out.get("anyOf"), list):
        out["anyOf"] = [inner(part) for part in out["anyOf"]]
    return out


def _first_candidate(body: Mapping[str, Any]) -> dict[str, Any]:
    feedback = body.get("promptFeedback")
    candidates = body.get("candidates")
    if isinstance(candidates, list) and candidates and isinstance(candidates[0], dict):
        return candidates[0]
    if isinstance(feedback, dict) and feedback.get("blockReason"):
        raise RefusedReplyError(
            f"the vendor blocked the prompt ({feedback['blockReason']}).", cure="use another model or other words"
        )
    raise EmptyReplyError("the answer holds no candidates.", cure="ask again or use another model")


def _text(part: object) -> str:
    if not isinstance(part, dict):
        raise MalformedReplyError("a part of the answer is not an object.", cure="check what serves this address")
    if part.get("thought"):
        return ""
    return text_of(part.get("text", ""), where="a part of the answer")


def _with_thoughts(tokens: object, thoughts: object) -> object:
    """Thinking is billed as output; the host reports it apart and leaves it out when there was none."""
    if thoughts is None:
        return tokens
    if isinstance(tokens, int) and isinstance(thoughts, int) and min(tokens, thoughts) >= 0:
        return tokens + thoughts
    return None
