"""Names in generated code for names in JSON: fields, classes, members. Deterministic, and never two for one."""

import keyword
import re
import unicodedata

from pydantic import BaseModel

from omniclaude_dagster.request import naming

_MAX_NAME_CHARS = 60
# Builtins that types are written with: a field of that name would hide them from the fields below it.
_TYPE_NAMES = frozenset({"list", "dict", "tuple", "str", "bytes", "int", "float", "bool", "set", "type"})
_MODEL_ATTRIBUTES = frozenset(name for name in dir(BaseModel) if not name.startswith("__")) | {"model_config"}
_SYMBOLS = {
    "+": "plus", "-": "minus", "*": "star", "/": "slash", "%": "percent", "=": "equal", "<": "less", ">": "greater",
    "!": "not", "&": "and", "|": "or", "^": "caret", "~": "tilde", "@": "at", "#": "hash", "$": "dollar", "?": "query",
    ".": "dot", ",": "comma", ":": "colon", ";": "semicolon", "_": "underscore", "€": "euro", "£": "pound",
}  # fmt: skip


def field_name(name: str, taken: set[str]) -> str:
    """A snake_case name for a property, unlike every taken one: `Order-ID` -> `order_id`, `class` -> `class_`."""
    plain = _ascii(name)
    words = naming.snake_case(re.sub(r"[^A-Za-z0-9]+", "_", plain)).strip("_")
    safe = re.sub(r"_+", "_", words)[:_MAX_NAME_CHARS].strip("_") or "field"
    if safe[0].isdigit():
        safe = f"field_{safe}"
    if safe.startswith("model_"):
        safe = f"{safe.removeprefix('model_')}_of_model"
    if keyword.iskeyword(safe) or safe in _TYPE_NAMES or safe in _MODEL_ATTRIBUTES:
        safe = f"{safe}_"
    return numbered(safe, taken)


def class_stem(name: str) -> str:
    """`order-item` -> `OrderItem`; text without a usable letter becomes `Value`."""
    stem = naming.pascal_case(_ascii(name))[:_MAX_NAME_CHARS]
    return stem if stem and not stem[0].isdigit() else f"Value{stem}"


def numbered(name: str, taken: set[str]) -> str:
    """The name, or the name with the first free number: `total`, `total_2`."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    taken.add(found)
    return found


def numbered_class(name: str, taken: set[str]) -> str:
    """A class name whose module is free as well: `EnumStatus`, `EnumStatus2`. `taken` are modules."""
    found, number = name, 2
    while naming.snake_case(found) in taken:
        found, number = f"{name}{number}", number + 1
    taken.add(naming.snake_case(found))
    return found


def member_name(value: str, taken: set[str]) -> str:
    """An enum member for a text: `in-progress` -> `IN_PROGRESS`, `` -> `EMPTY`, `>=` -> `GREATER_EQUAL`."""
    plain = _ascii(value)
    has_word = any(c.isalnum() for c in plain)
    spoken = plain if has_word else " ".join(_SYMBOLS.get(c, "") for c in value)
    name = re.sub(r"[^A-Z0-9]+", "_", naming.snake_case(spoken).upper()).strip("_")[:_MAX_NAME_CHARS].strip("_")
    if plain.isupper():
        name = re.sub(r"[^A-Z0-9]+", "_", plain).strip("_")[:_MAX_NAME_CHARS]
    if not name:
        name = "EMPTY" if not value else "BLANK" if not value.strip() else "VALUE"
    if name[0].isdigit():
        name = f"VALUE_{name}"
    return numbered(name, taken)


def is_plain_name(name: str) -> bool:
    """Whether a property can be a field under its own name."""
    return field_name(name, set()) == name


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
