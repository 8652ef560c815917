"""What the three vendors' formats have in common: the shape each must have, and strict reading of replies.

Formats are pure functions over dictionaries. Not here: sockets (`exchange.py`), retries (`resilience.py`).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, Protocol

from omniclaude_dagster.providers.catalog import ModelEntry
from omniclaude_dagster.providers.errors import HtmlReplyError, InvalidJsonError, MalformedReplyError
from omniclaude_dagster.providers.model import ChatRequest, Message

Finish = Literal["stop", "length", "refused", "other"]
_FENCED = re.compile(r"\A\s*```[A-Za-z0-9_-]*[ \t]*\r?\n(?P<inner>.*?)\r?\n?[ \t]*```\s*\Z", re.DOTALL)


@dataclass(frozen=True)
class WireReply:
    """A vendor's reply in our words. Token counts are what the host claims: any type, any value, or None."""

    text: str
    finish: Finish
    finish_detail: str
    tokens_input: object = None
    tokens_output: object = None


class WireFormat(Protocol):
    """One vendor's way to ask and to answer."""

    def chat_path(self, entry: ModelEntry) -> str:
        """Path of the chat call, relative to the base address."""
        ...

    def headers(self, key: str | None) -> dict[str, str]:
        """Headers that carry the key. Never a query parameter: addresses end up in logs."""
        ...

    def chat_body(self, request: ChatRequest, *, entry: ModelEntry) -> dict[str, Any]:
        """The request's body."""
        ...

    def read(self, body: Mapping[str, Any], *, request: ChatRequest) -> WireReply:
        """Read a reply. Raises BadReplyError when it has another shape."""
        ...

    def models_path(self) -> str:
        """Path of the cheapest call that proves the host answers."""
        ...

    def model_ids(self, body: Mapping[str, Any]) -> tuple[str, ...]:
        """Models the host says it serves, in its order."""
        ...


def json_object(raw: bytes) -> dict[str, Any]:
    """Read a body as one JSON object; its content decides, not its content-type.

    Raises HtmlReplyError, MalformedReplyError.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedReplyError("the host's answer is not UTF-8.", cure="check what serves this address") from None
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        raise HtmlReplyError(
            "the host answered with a web page instead of JSON.",
            cure="check the address and any proxy in front of the host",
        )
    try:
        value = _strict_json(text)
    except ValueError:
        raise MalformedReplyError("the host's answer is not JSON.", cure="check what serves this address") from None
    if not isinstance(value, dict):
        raise MalformedReplyError("the host's answer is not a JSON object.", cure="check what serves this address")
    return value


def parsed_data(text: str, *, schema: Mapping[str, Any]) -> Any:
    """Return the JSON value a model wrote, with or without a markdown fence around it.

    Checks that it is JSON and, where the schema says so, an object; the rest of the schema is the caller's model.
    Raises InvalidJsonError, which carries the text for a repair prompt.
    """
    fenced = _FENCED.match(text)
    try:
        value = _strict_json(fenced["inner"] if fenced else text)
    except ValueError as exc:
        raise InvalidJsonError(
            f"the model was asked for JSON and wrote something else ({exc}).", cure="ask once more", text=text
        ) from None
    if schema.get("type") == "object" and not isinstance(value, dict):
        raise InvalidJsonError(
            f"the model was asked for a JSON object and wrote {type(value).__name__}.", cure="ask once more", text=text
        )
    return value


def schema_instruction(schema: Mapping[str, Any]) -> str:
    """Words for models whose host cannot hold them to a schema."""
    return "Answer with one JSON value that matches this JSON Schema, and nothing else:\n" + json.dumps(schema)


def with_instruction(messages: Sequence[Message], instruction: str) -> list[Message]:
    """Return the messages with the instruction at the end of the system message."""
    system = "\n\n".join([*(m.content for m in messages if m.role == "system"), instruction])
    return [Message("system", system), *(m for m in messages if m.role != "system")]


def text_of(value: object, *, where: str) -> str:
    """Return a text that can be stored. Raises MalformedReplyError for other types and for half characters."""
    if not isinstance(value, str):
        raise MalformedReplyError(
            f"{where} is {type(value).__name__}, not text.", cure="check what serves this address"
        )
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise MalformedReplyError(f"{where} holds half characters (surrogates).", cure="ask once more") from None
    return value


def _strict_json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
