"""Where schemas stand inside a JSON Schema: which keywords hold one, a list or a map of them, and which hold data.

Whoever walks a schema walks it through here, so that a property called `$ref` or an example that looks like a schema
is never mistaken for one.
"""

from collections.abc import Callable, Iterator
from typing import Any

SCHEMA_KEYWORDS = frozenset(
    "items additionalItems additionalProperties propertyNames contains not if then else unevaluatedItems "
    "unevaluatedProperties contentSchema".split()
)
SCHEMA_LIST_KEYWORDS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SCHEMA_MAP_KEYWORDS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})

Schema = bool | dict[str, Any]


def children(schema: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Path and value of every schema directly inside one."""
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        if keyword in SCHEMA_KEYWORDS and isinstance(value, dict | bool):
            yield (keyword,), value
        elif isinstance(value, list) and (keyword in SCHEMA_LIST_KEYWORDS or keyword == "items"):
            yield from (((keyword, str(number)), part) for number, part in enumerate(value))
        elif keyword in SCHEMA_MAP_KEYWORDS and isinstance(value, dict):
            yield from (((keyword, name), part) for name, part in value.items())


def with_children(schema: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """A copy of the schema with every schema directly inside it changed; data is kept as it is."""
    changed: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in SCHEMA_KEYWORDS and isinstance(value, dict | bool):
            changed[keyword] = change(value)
        elif isinstance(value, list) and (keyword in SCHEMA_LIST_KEYWORDS or keyword == "items"):
            changed[keyword] = [change(part) for part in value]
        elif keyword in SCHEMA_MAP_KEYWORDS and isinstance(value, dict):
            changed[keyword] = {name: change(part) for name, part in value.items()}
        else:
            changed[keyword] = value
    return changed


def descendants(schema: Any) -> Iterator[Any]:
    """The schema and every one inside it; references are not followed."""
    todo = [schema]
    while todo:
        current = todo.pop()
        yield current
        todo.extend(part for _, part in children(current))
