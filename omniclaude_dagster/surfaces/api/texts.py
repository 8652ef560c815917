"""Types of the values that bodies are made of, and how the OpenAPI document describes them.

What a type refuses its schema forbids, so that a client can check before it sends. `bodies.py` has already refused
control characters and what else hides in text; the patterns here say so to the reader of the document.
"""

import re
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from omniclaude_dagster.request.model import MAX_PROMPT_CHARS

PLAIN_PATTERN = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]*$"
_UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
# RFC 3339 in this century. By months, so that the pattern accepts exactly what is a date.
_DATE = (
    r"20\d\d-(0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|20\d\d-(0[469]|11)-(0[1-9]|[12]\d|30)"
    r"|20\d\d-02-(0[1-9]|1\d|2[0-8])|20([02468][048]|[13579][26])-02-29"
).replace(r"\d", "[0-9]")
_TIME = r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
_TIMESTAMP = rf"^({_DATE}){_TIME}$"
_COST_USD = r"^[0-9]{1,6}(\.[0-9]{1,9})?$"
_NANOUSD_DIGITS = 9
MAX_COST_NANOUSD = 10**15


class Body(BaseModel):
    """What every request body keeps to: no unknown fields, no conversions, no NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _plain(schema: dict[str, Any]) -> None:
    schema["pattern"] = PLAIN_PATTERN


def text_schema(max_chars: int, *, min_chars: int = 0) -> dict[str, Any]:
    """JSON schema of a plain text."""
    return {"type": "string", "minLength": min_chars, "maxLength": max_chars, "pattern": PLAIN_PATTERN}


def _fields_schema(max_chars: int) -> dict[str, Any]:
    return {
        "type": "object",
        "propertyNames": text_schema(128, min_chars=1),
        "additionalProperties": text_schema(max_chars),
        "maxProperties": 100,
    }


def _uuid(value: Any) -> Any:
    """Only the canonical spelling: `uuid.UUID` itself takes braces and more."""
    if not isinstance(value, str) or not re.fullmatch(_UUID.strip("^$"), value):
        raise PydanticCustomError("uuid", "must be a UUID such as 7b1c9a4e-2f60-4e8f-9d1e-0a4c5b6d7e8f")
    return uuid.UUID(value)


def _timestamp(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(_TIMESTAMP.strip("^$"), value):
        raise PydanticCustomError("timestamp", "must be a time with its zone, such as 2026-03-01T12:00:00Z")
    return datetime.fromisoformat(value).astimezone(UTC)


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 5.0 is a whole one there."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def nanousd_of(cost_usd: str) -> int:
    """Exact: text to integer nano-dollars, no float between."""
    return int(Decimal(cost_usd).scaleb(_NANOUSD_DIGITS))


# A whole number, however it is written. Stands last: what stands behind it is missing in the document.
WHOLE = BeforeValidator(_whole)
PlainName = Annotated[str, StringConstraints(min_length=1, max_length=128), Field(json_schema_extra=_plain)]
PlainLine = Annotated[str, StringConstraints(max_length=500), Field(json_schema_extra=_plain)]
PromptText = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_PROMPT_CHARS), Field(json_schema_extra=_plain)
]
SystemName = Annotated[str, StringConstraints(min_length=1, max_length=64), Field(json_schema_extra=_plain)]
Systems = Annotated[list[SystemName], Field(max_length=20)]
# Names of fields to their types, as a node's models have them.
FieldTypes = Annotated[dict[PlainName, PlainLine], Field(max_length=100), WithJsonSchema(_fields_schema(500))]
UuidText = Annotated[
    uuid.UUID, BeforeValidator(_uuid), WithJsonSchema({"type": "string", "format": "uuid", "pattern": _UUID})
]
Timestamp = Annotated[
    datetime,
    BeforeValidator(_timestamp),
    WithJsonSchema({"type": "string", "pattern": _TIMESTAMP, "description": "RFC 3339, years 2000 to 2099."}),
]
CostUsd = Annotated[str, StringConstraints(pattern=_COST_USD)]
COST_USD_SCHEMA: dict[str, Any] = {
    "type": "string",
    "pattern": _COST_USD,
    "description": "Decimal text, 9 decimals at most.",
}
