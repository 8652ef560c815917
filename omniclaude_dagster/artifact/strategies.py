"""Hypothesis strategies, as source, for the fields of an input model: bounded, plain, and the same on every run.

A total function gets the whole range that its constraints leave, within bounds. Any other gets small numbers from 2 on
and containers that are not empty: a request that says `n`, `base` or `numbers` rarely says what 0, 1 or none of them
mean, and a loop over them need not even end.
"""

from collections.abc import Mapping, Sequence

from omniclaude_dagster.contracts.annotations import members_of, split_union
from omniclaude_dagster.node.blueprint import FieldSpec

# Letters, digits, blanks, quotes and a character beyond ASCII: what text functions stumble over.
ALPHABET = "abzAZ019 .,-_'\"\n\u00e9"
MAX_TEXT_CHARS = 8
MAX_ITEMS = 4
_TOTAL_RANGE = (-1000, 1000)
_SMALL_RANGE = (2, 20)
_SCALARS = {
    "bool": "st.booleans()",
    "bytes": f"st.text(ALPHABET, max_size={MAX_TEXT_CHARS}).map(str.encode)",
    "None": "st.none()",
    "UUID": "st.uuids()",
    "date": "st.dates()",
    "datetime": "st.datetimes(timezones=st.just(UTC))",
    "Decimal": "st.decimals(0, 1000, places=2)",
}
_UNDERSTOOD = frozenset({"ge", "gt", "le", "lt", "min_length", "max_length"})


class NoStrategyError(ValueError):
    """A type or a constraint that no strategy is made for."""


def strategies_for(fields: Sequence[FieldSpec], *, types: Mapping[str, str], is_total: bool) -> dict[str, str] | None:
    """Key in JSON to strategy, for every field; None when one of them has none. `types` narrow a field's own type."""
    try:
        return {f.alias or f.name: _of_field(f, types.get(f.name, f.type), is_total) for f in fields}
    except NoStrategyError:
        return None


def _of_field(field: FieldSpec, type_: str, is_total: bool) -> str:
    if not _UNDERSTOOD.issuperset(field.constraints):
        raise NoStrategyError(field.name)
    return strategy(type_, is_total=is_total, constraints=field.constraints)


def strategy(type_: str, *, is_total: bool, constraints: Mapping[str, int | float | str] | None = None) -> str:
    """The strategy of one type. Raises NoStrategyError."""
    return " | ".join(_of_part(part, is_total, constraints or {}) for part in split_union(type_))


def _of_part(type_: str, is_total: bool, given: Mapping[str, int | float | str]) -> str:
    if type_ in _SCALARS:
        return _SCALARS[type_]
    if type_ == "int":
        return _integers(is_total, given)
    if type_ == "float":
        return _floats(is_total, given)
    if type_ == "str":
        return f"st.text(ALPHABET{_sizes(given, MAX_TEXT_CHARS, 0 if is_total else 1)})"
    if type_ in {"JsonValue", "Any"}:
        text = f"st.text(ALPHABET{_sizes({}, MAX_TEXT_CHARS, 0 if is_total else 1)})"
        return f"st.none() | st.booleans() | {_integers(is_total, {})} | {text}"
    return _of_container(type_, is_total, given)


def _of_container(type_: str, is_total: bool, given: Mapping[str, int | float | str]) -> str:
    container, members = members_of(type_)
    inner = [strategy(m, is_total=is_total) for m in members if m not in {"...", "()"}]
    if container == "dict":
        keys = {
            "str": f"st.text(ALPHABET{_sizes({}, MAX_TEXT_CHARS, 0 if is_total else 1)})",
            "int": _integers(is_total, {}),
        }.get(members[0])
        if keys is None:
            raise NoStrategyError(type_)
        return f"st.dictionaries({keys}, {inner[1]}{_sizes(given, MAX_ITEMS, 0 if is_total else 2)})"
    if container == "tuple" and members[-1] != "...":
        return f"st.tuples({', '.join(inner)})"
    if container in {"list", "tuple"}:
        return f"st.lists({inner[0]}{_sizes(given, MAX_ITEMS, 0 if is_total else 2)})"
    if container in {"set", "frozenset"}:
        return f"st.lists({inner[0]}, unique=True{_sizes(given, MAX_ITEMS, 0 if is_total else 2)})"
    raise NoStrategyError(type_)


def _integers(is_total: bool, given: Mapping[str, int | float | str]) -> str:
    low, high = _bounds(is_total, given)
    return f"st.integers({int(low) + ('gt' in given)}, {int(high) - ('lt' in given)})"


def _floats(is_total: bool, given: Mapping[str, int | float | str]) -> str:
    low, high = _bounds(is_total, given)
    excluded = ", exclude_min=True" if "gt" in given else ""
    excluded += ", exclude_max=True" if "lt" in given else ""
    return f"st.floats({low}, {high}{excluded})"


def _bounds(is_total: bool, given: Mapping[str, int | float | str]) -> tuple[float, float]:
    usual: tuple[float, float] = _TOTAL_RANGE if is_total else _SMALL_RANGE
    low, high = usual
    least, most = given.get("gt", given.get("ge")), given.get("lt", given.get("le"))
    if isinstance(least, int | float):
        low, high = (least, max(high, least + high)) if is_total or least > low else (max(low, least), high)
    if isinstance(most, int | float):
        low, high = (low if low < most else min(most - 1, least if isinstance(least, int | float) else low)), most
    return low, high


def _sizes(given: Mapping[str, int | float | str], usual: int, from_: int) -> str:
    least, most = given.get("min_length", 0), given.get("max_length")
    if not isinstance(least, int) or not isinstance(most, int | None):
        raise NoStrategyError("a length that is no whole number")
    least = max(least, from_ if most is None else min(from_, most))
    highest = max(least, usual) if most is None else min(most, least + usual)
    return (f", min_size={least}" if least else "") + f", max_size={highest}"
