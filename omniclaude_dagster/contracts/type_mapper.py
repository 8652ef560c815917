"""Precise Python types, as source, from what a person wrote or showed; never `Any`.

Two sources: a word (`integer`, `list of numbers`, `UUID`) and example values. Sample values are made here too,
so that every generated node can be executed once.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_WORDS: dict[str, str] = {
    **dict.fromkeys(("str", "string", "text", "varchar", "char"), "str"),
    **dict.fromkeys(("int", "integer", "bigint", "smallint", "count", "long"), "int"),
    **dict.fromkeys(("float", "number", "numeric", "decimal", "double", "real", "money"), "float"),
    **dict.fromkeys(("bool", "boolean", "flag"), "bool"),
    **dict.fromkeys(("uuid", "guid"), "UUID"),
    **dict.fromkeys(("datetime", "timestamp", "timestamptz", "date-time"), "datetime"),
    "date": "date",
    **dict.fromkeys(("dict", "object", "map", "mapping", "json", "jsonb"), "dict[str, JsonValue]"),
    **dict.fromkeys(("list", "array"), "list[JsonValue]"),
}
# JSON-Schema types with their format, as the parser names them.
_WORDS |= {
    "string/uuid": "UUID",
    "string/date": "date",
    "string/date-time": "datetime",
    "string/decimal": "float",
}
_LIST_OF = re.compile(r"^(?:list|array|sequence|collection)(?: of |\[|<)\s*(?P<item>.+?)[\]>]?$")
_OPTIONAL = re.compile(r"^(?:optional\[?\s*(?P<a>[^\]]+)\]?|(?P<b>.+?)\s*\|\s*none|(?P<c>.+?)\?)$")

# As a UUID is written when it is printed, so that a result equals its example.
_UUID = re.compile(r"\A[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")

# A quantity is measured, so 100 in an example does not mean that 99.5 is wrong; a count is counted.
_MEASURED = frozenset(
    "price net gross amount rate total cost weight height width length temperature celsius fahrenheit kelvin distance "
    "balance salary percent percentage ratio score average mean median sum value discount tax interest principal speed "
    "area volume latitude longitude lat lon bmi fee subtotal revenue profit margin duration radius fraction "
    "probability variance stdev deviation minimum maximum min max".split()
)

_COUNTED = frozenset(
    {"count", "counts", "number", "quantity", "size", "length", "age", "year", "years", "index", "rank"}
)

_SAMPLES: dict[str, Any] = {
    "str": "example",
    "int": 3,
    "float": 2.5,
    "bool": True,
    "UUID": "00000000-0000-4000-8000-000000000001",
    "datetime": "2026-01-02T03:04:05+00:00",
    "date": "2026-01-02",
    "JsonValue": "example",
    "SecretStr": "example",
}


def type_from_word(word: str | None, *, name: str = "") -> str:
    """`list of integers` -> `list[int]`; an unknown or missing word is decided by the field's name."""
    if not word:
        return type_from_name(name)
    text = word.strip().lower()
    optional = _OPTIONAL.match(text)
    if optional:
        inner = next(group for group in optional.groups() if group)
        return f"{type_from_word(inner, name=name)} | None"
    listed = _LIST_OF.match(text)
    if listed:
        return f"list[{type_from_word(type_singular(listed['item']), name=type_singular(name))}]"
    return _WORDS.get(text) or _WORDS.get(type_singular(text)) or type_from_name(name)


def type_from_name(name: str) -> str:
    """A type guessed from a field's name; text when nothing is known."""
    parts = name.lower().split("_")
    if name.endswith("_id") and parts[-2:-1] in (["user"], ["order"], ["customer"], ["account"]):
        return "UUID"
    if parts[0] in {"is", "has"}:
        return "bool"
    if parts[-1] in {"count", "quantity", "age", "year", "number", "index", "limit"}:
        return "int"
    if parts[-1] in {"at", "timestamp"}:
        return "datetime"
    return "float" if _MEASURED.intersection(parts) else "str"


def type_from_values(values: Iterable[Any], *, name: str, has_fraction_beside: bool = False) -> str:
    """The narrowest type that holds every example value of one field."""
    seen = list(values)
    present = [v for v in seen if v is not None]
    base = _type_of_all(present, name=name, has_fraction_beside=has_fraction_beside)
    return f"{base} | None" if len(present) < len(seen) and base != "JsonValue" else base


def has_fraction(value: Any) -> bool:
    """True when a number with a fractional type stands anywhere in the value."""
    if isinstance(value, float):
        return True
    if isinstance(value, Mapping):
        return any(has_fraction(v) for v in value.values())
    return isinstance(value, list) and any(has_fraction(v) for v in value)


def sample_for(type_source: str) -> Any:
    """A JSON value that the type accepts."""
    text = type_source.removesuffix(" | None")
    if text.startswith("list[") or text.startswith("tuple["):
        inner = text[text.index("[") + 1 : -1].removesuffix(", ...")
        return [sample_for(inner)]
    if text.startswith("dict["):
        return {"key": sample_for(text.split(", ", 1)[1][:-1])}
    return _SAMPLES.get(text, "example")


def _type_of_all(values: list[Any], *, name: str, has_fraction_beside: bool) -> str:
    if not values:
        return type_from_name(name) if name else "JsonValue"
    if all(isinstance(v, bool) for v in values):
        return "bool"
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        words = set(name.lower().split("_"))
        if any(isinstance(v, float) for v in values) or words & _MEASURED:
            return "float"
        return "float" if has_fraction_beside and not words & _COUNTED else "int"
    if all(isinstance(v, str) for v in values):
        return "UUID" if all(_UUID.match(v) for v in values) else "str"
    if all(isinstance(v, list) for v in values):
        items = [item for v in values for item in v]
        inner = type_from_values(items, name=type_singular(name), has_fraction_beside=has_fraction_beside)
        return f"list[{inner if items else 'JsonValue'}]"
    if all(isinstance(v, dict) for v in values):
        items = [item for v in values for item in v.values()]
        inner = _type_of_all(items, name="", has_fraction_beside=has_fraction_beside) if items else "JsonValue"
        return f"dict[str, {inner if inner in {'str', 'int', 'float', 'bool'} else 'JsonValue'}]"
    return "JsonValue"


def type_singular(word: str) -> str:
    """`entries` -> `entry`, `scores` -> `score`."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 2 else word
