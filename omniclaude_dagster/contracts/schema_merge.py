"""`allOf`, and keywords beside a `$ref`, as one plain schema that says the same.

Only what can be said in one schema is merged; what cannot is returned as notes, never dropped in silence.
"""

from collections.abc import Callable
from math import lcm
from typing import Any

from omniclaude_dagster.contracts.references import References

Note = Callable[[str], None]

ANNOTATIONS = frozenset(
    "title description default examples deprecated readOnly writeOnly $comment externalDocs xml".split()
)
_HIGHEST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_LOWEST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_MAX_CHOICES = 64


def merged(schema: Any, references: References, note: Note) -> Any:
    """The schema without `allOf`, and without a `$ref` that other keywords stand beside."""
    if not isinstance(schema, dict) or not ({"allOf", "$ref"} & schema.keys()):
        return schema
    own = {k: v for k, v in schema.items() if k not in {"allOf", "$ref"}}
    parts = [schema["allOf"]] if isinstance(schema.get("allOf"), dict) else schema.get("allOf", [])
    result: Any = {}
    if isinstance(schema.get("$ref"), str):
        result = _described_first(result, merged(references.target(schema["$ref"]), references, note), note)
    for part in parts:
        result = _described_first(result, merged(part, references, note), note)
    # What is said outside wins over what a part says about itself.
    return combined(own, result, note)


def combined(first: Any, second: Any, note: Note) -> Any:
    """One schema for two that must both hold; annotations of the first win."""
    if first is True or first == {}:
        return second
    if second is True or second == {}:
        return first
    if first is False or second is False:
        return False
    result = {**second, **first}
    for keyword in first.keys() & second.keys():
        if keyword == "const" and not _is_equal(first[keyword], second[keyword]):
            # Two constants at once: no value is left.
            del result["const"]
            result["enum"] = []
        elif keyword not in ANNOTATIONS and first[keyword] != second[keyword]:
            value = _both(keyword, first[keyword], second[keyword], note)
            if value is None:
                result.pop(keyword)
            else:
                result[keyword] = value
    return result


def types_of(schema: dict[str, Any]) -> tuple[str, ...] | None:
    """The types a schema names, or None when it names none."""
    kind = schema.get("type")
    if isinstance(kind, str):
        return (kind,)
    return tuple(t for t in kind if isinstance(t, str)) if isinstance(kind, list) else None


def _described_first(result: Any, part: Any, note: Note) -> Any:
    return part if result == {} else combined(result, part, note)


def _both(keyword: str, first: Any, second: Any, note: Note) -> Any:  # noqa: C901 - a table of keywords
    if keyword in _HIGHEST:
        return max(first, second)
    if keyword in _LOWEST:
        return min(first, second)
    if keyword == "type":
        return _common_types(first, second)
    if keyword == "required":
        return list(dict.fromkeys([*first, *second]))
    if keyword == "enum":
        return [value for value in first if any(_is_equal(value, other) for other in second)]
    if keyword in {"properties", "patternProperties"}:
        names = dict.fromkeys([*second, *first])
        either = {**second, **first}
        return {n: _all_of(first[n], second[n]) if n in first and n in second else either[n] for n in names}
    if keyword in {"additionalProperties", "items", "propertyNames"}:
        return False if first is False or second is False else _all_of(first, second)
    if keyword == "uniqueItems":
        return bool(first or second)
    if keyword in {"anyOf", "oneOf"} and len(first) * len(second) <= _MAX_CHOICES:
        return [_all_of(one, other) for one in first for other in second]
    if keyword == "multipleOf" and type(first) is int and type(second) is int:
        return lcm(first, second)
    note(f"only one of two {keyword} that allOf asks for is checked")
    return first


def _all_of(first: Any, second: Any) -> Any:
    if first is True:
        return second
    return first if second is True else {"allOf": [first, second]}


def _common_types(first: str | list[str], second: str | list[str]) -> Any:
    one = [first] if isinstance(first, str) else list(first)
    other = [second] if isinstance(second, str) else list(second)
    # A whole number is a number: what one side narrows stays narrow.
    common = [t for t in one if t in other]
    is_narrowed = ("integer" in one and "number" in other) or ("integer" in other and "number" in one)
    if "integer" not in common and is_narrowed:
        common.append("integer")
    return common[0] if len(common) == 1 else common


def _is_equal(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
