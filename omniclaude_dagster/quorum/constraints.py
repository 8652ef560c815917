"""Which bounds a field of a generated model may be given, and what a bound says about values. Pure.

Not here: proposing or applying them (`edits.py`).
"""

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from omniclaude_dagster.contracts.annotations import members_of, split_union
from omniclaude_dagster.node.blueprint import FieldSpec, ModelSpec

NUMBER_BOUNDS = ("ge", "gt", "le", "lt")
SIZE_BOUNDS = ("min_length", "max_length")
MAX_BOUND = 1e15
MAX_SIZE = 1_000_000

_LOWER = frozenset({"ge", "gt", "min_length"})
_STRICT = frozenset({"gt", "lt"})
_WHOLE = frozenset({"int", "StrictInt"})
_NUMBERS = _WHOLE | {"float", "StrictFloat", "Decimal"}
_HOLDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
    "min_length": operator.ge,
    "max_length": operator.le,
}


def bounds_for(field: FieldSpec) -> tuple[str, ...]:
    """Names of the bounds that the field's type takes: numbers are compared, texts and lists are counted."""
    members = [member for member in split_union(field.type) if member != "None"]
    if members and _NUMBERS.issuperset(members):
        return NUMBER_BOUNDS
    is_sized = len(members) == 1 and (members[0] == "str" or members_of(members[0])[0] == "list")
    return SIZE_BOUNDS if is_sized else ()


def bound_problem(field: FieldSpec, name: str, value: object) -> str | None:
    """Why the field cannot have this bound, or None. A bound may be tightened, never loosened."""
    if name not in bounds_for(field):
        return f"a field of type {field.type} takes no {name}"
    problem = _value_problem(field, name, value)
    if problem is not None or not isinstance(value, int | float):
        return problem or "the value is no number"
    old = _bound_on_side(field, is_lower=name in _LOWER)
    if old is not None and _tightness(name, value) <= _tightness(*old):
        return f"{name} {value} is not tighter than {old[0]} {old[1]}"
    low, high = _bound_on_side(field, is_lower=True), _bound_on_side(field, is_lower=False)
    low, high = ((name, value), high) if name in _LOWER else (low, (name, value))
    if low is not None and high is not None and _is_empty(low, high, is_whole=_is_whole(field)):
        return f"{low[0]} {low[1]} and {high[0]} {high[1]} leave no value"
    return None


def with_bound(field: FieldSpec, name: str, value: int | float) -> dict[str, int | float | str]:
    """The field's constraints with this bound in place of the one on the same side."""
    is_lower = name in _LOWER
    others = {k: v for k, v in field.constraints.items() if k not in _HOLDS or (k in _LOWER) != is_lower}
    return {**others, name: int(value) if name in SIZE_BOUNDS or _is_whole(field) else value}


def holds(name: str, bound: int | float, value: object) -> bool:
    """Whether a value of an example respects a bound; what cannot be compared (None, another type) does."""
    if name in SIZE_BOUNDS:
        return not isinstance(value, str | list) or _HOLDS[name](len(value), bound)
    number = _number(value)
    return number is None or _HOLDS[name](number, bound)


def values_in(
    data: object, spec: ModelSpec, *, wanted: tuple[str, str], models: Mapping[str, ModelSpec]
) -> Iterator[object]:
    """Values that `data`, JSON of a `spec`, has for the field `wanted` (class name, field name), also deep inside."""
    if not isinstance(data, Mapping):
        return
    for field in spec.fields:
        for key in sorted({field.alias or field.name, field.name} & data.keys()):
            if (spec.class_name, field.name) == wanted:
                yield data[key]
            for name in sorted(field.names & models.keys()):
                for part in _mappings(data[key]):
                    yield from values_in(part, models[name], wanted=wanted, models=models)


def _value_problem(field: FieldSpec, name: str, value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "the value is no number"
    if not -MAX_BOUND <= value <= MAX_BOUND:
        return "the value is not finite, or too large"
    if name in SIZE_BOUNDS and not (float(value).is_integer() and 1 <= value <= MAX_SIZE):
        return f"a length is a whole number from 1 to {MAX_SIZE}"
    if _is_whole(field) and not float(value).is_integer():
        return "the field holds whole numbers, and so must its bound"
    return None


def _bound_on_side(field: FieldSpec, *, is_lower: bool) -> tuple[str, float] | None:
    found = [
        (name, float(value))
        for name, value in field.constraints.items()
        if name in _HOLDS and (name in _LOWER) == is_lower and isinstance(value, int | float)
    ]
    return max(found, key=lambda bound: _tightness(*bound), default=None)


def _tightness(name: str, value: float) -> tuple[float, bool]:
    return (value if name in _LOWER else -value, name in _STRICT)


def _is_empty(low: tuple[str, float], high: tuple[str, float], *, is_whole: bool) -> bool:
    (low_name, least), (high_name, most) = low, high
    if is_whole:
        least = math.floor(least) + 1 if low_name in _STRICT else math.ceil(least)
        most = math.ceil(most) - 1 if high_name in _STRICT else math.floor(most)
        return least > most
    return least > most or (least == most and bool(_STRICT & {low_name, high_name}))


def _is_whole(field: FieldSpec) -> bool:
    return all(member in _WHOLE for member in split_union(field.type) if member != "None")


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        # A decimal is written as text in JSON.
        return float(value)
    except (ValueError, OverflowError):
        return None


def _mappings(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for part in parts:
        yield from _mappings(part)
