"""Texts and numbers: formats as Python types, bounds as `Field` arguments."""

import math
from collections.abc import Callable
from typing import Any, TypeGuard

from omniclaude_dagster.contracts.patterns import usable_pattern
from omniclaude_dagster.contracts.schema_types import Constraint, MappedType

Note = Callable[[str], None]

# Formats whose values Python has a type for; JSON in gives the same JSON out.
_TYPED_FORMATS = {
    "date-time": "AwareDatetime",
    "date": "date",
    "time": "time",
    "duration": "timedelta",
    "uuid": "UUID",
    "ipv4": "IPv4Address",
    "ipv6": "IPv6Address",
    "byte": "Base64Bytes",
    "decimal": "Decimal",
}
# A URL type would rewrite what it was given (`http://A` -> `http://a/`), so these stay text of a certain shape.
_URI = r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s]+$"
_SHAPED_FORMATS = {
    "email": r"^[^@\s]+@[^@\s]+$",
    "idn-email": r"^[^@\s]+@[^@\s]+$",
    "uri": _URI,
    "url": _URI,
    "iri": _URI,
    "hostname": r"^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$",
}
# Formats that say how a value is shown, not what it may be.
_PLAIN_FORMATS = frozenset(
    {"password", "binary", "uri-reference", "iri-reference", "json-pointer", "text", "string", "float", "double"}
)
_INTEGER_FORMATS = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_TEXT_BOUNDS = (("minLength", "min_length"), ("maxLength", "max_length"))
_NUMBER_BOUNDS = (("minimum", "ge"), ("exclusiveMinimum", "gt"), ("maximum", "le"), ("exclusiveMaximum", "lt"))


def text_type(schema: dict[str, Any], note: Note) -> MappedType:
    """A string with its format, length and pattern."""
    kind = str(schema.get("format", ""))
    if schema.get("contentEncoding") == "base64":
        kind = "byte"
    limits = [k for k in ("minLength", "maxLength", "pattern") if k in schema]
    if kind in _TYPED_FORMATS:
        for keyword in limits:
            note(f"{keyword} is not checked beside the format {kind}")
        return MappedType(_TYPED_FORMATS[kind])
    constraints: dict[str, Constraint] = {to: int(schema[k]) for k, to in _TEXT_BOUNDS if _is_number(schema.get(k))}
    if isinstance(schema.get("pattern"), str):
        pattern = usable_pattern(schema["pattern"], note)
        if pattern is not None:
            constraints["pattern"] = pattern
        if kind in _SHAPED_FORMATS:
            note(f"the format {kind} is not checked beside a pattern")
    elif kind in _SHAPED_FORMATS:
        constraints["pattern"] = _SHAPED_FORMATS[kind]
    if kind and kind not in _SHAPED_FORMATS and kind not in _PLAIN_FORMATS:
        note(f"the format {kind[:40]!r} is not checked")
    return MappedType("str", constraints)


def number_type(schema: dict[str, Any], note: Note, *, is_integer: bool) -> MappedType:
    """A number with its bounds; text, true and false are no numbers."""
    kind = str(schema.get("format", ""))
    constraints: dict[str, Constraint] = {}
    for keyword, argument in _NUMBER_BOUNDS:
        bound = schema.get(keyword)
        if _is_number(bound):
            name, value = _integer_bound(argument, bound) if is_integer else (argument, bound)
            constraints[name] = _tighter(name, value, constraints.get(name))
    if kind in _INTEGER_FORMATS and is_integer:
        low, high = _INTEGER_FORMATS[kind]
        if not {"ge", "gt"} & constraints.keys():
            constraints["ge"] = low
        if not {"le", "lt"} & constraints.keys():
            constraints["le"] = high
    elif kind and kind not in _PLAIN_FORMATS:
        note(f"the format {kind[:40]!r} is not checked")
    _multiple(schema, constraints, note, is_integer=is_integer)
    return MappedType("StrictInt" if is_integer else "StrictFloat", constraints)


def _multiple(schema: dict[str, Any], constraints: dict[str, Constraint], note: Note, *, is_integer: bool) -> None:
    step = schema.get("multipleOf")
    if not _is_number(step) or step <= 0:
        return
    if not is_integer:
        constraints["multiple_of"] = step
    elif float(step).is_integer():
        if int(step) != 1:
            constraints["multiple_of"] = int(step)
    elif not (1 / step).is_integer():
        note(f"multipleOf {step} of a whole number is not checked")


def _integer_bound(argument: str, bound: float) -> tuple[str, int]:
    """`> 1.5` of whole numbers is `>= 2`."""
    if float(bound).is_integer():
        return argument, int(bound)
    return ("ge", math.ceil(bound)) if argument in {"ge", "gt"} else ("le", math.floor(bound))


def _tighter(name: str, value: float, other: Constraint | None) -> float:
    if not isinstance(other, int | float):
        return value
    return max(value, other) if name in {"ge", "gt"} else min(value, other)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
