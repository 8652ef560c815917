"""One dialect for everybody: OpenAPI 3.0/3.1 and older drafts become JSON Schema 2020-12.

Says the same in newer words; decides nothing and drops only what has no meaning outside its own document.
"""

from typing import Any

from omniclaude_dagster.request.contract.schema_walk import with_children

# Meaningless once every reference is resolved; a validator must not take them for addresses.
_IDENTITY = frozenset({"$id", "$schema", "$anchor", "$dynamicAnchor", "$vocabulary", "$comment", "id"})
_BOUNDS = (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum"))


def in_2020(schema: Any) -> Any:
    """The schema in the words of draft 2020-12; applied twice it changes nothing more."""
    if not isinstance(schema, dict):
        return schema
    plain = {k: v for k, v in schema.items() if k not in _IDENTITY or (k == "id" and not isinstance(v, str))}
    changed = with_children(plain, in_2020)
    _bounds(changed)
    _nullable(changed)
    _tuples(changed)
    _dependencies(changed)
    if "example" in changed:
        changed.setdefault("examples", [changed["example"]])
        del changed["example"]
    return changed


def _bounds(schema: dict[str, Any]) -> None:
    """`minimum: 1, exclusiveMinimum: true` -> `exclusiveMinimum: 1`."""
    for exclusive, inclusive in _BOUNDS:
        if isinstance(schema.get(exclusive), bool):
            is_exclusive = schema.pop(exclusive)
            if is_exclusive and inclusive in schema:
                schema[exclusive] = schema.pop(inclusive)


def _nullable(schema: dict[str, Any]) -> None:
    is_nullable = schema.pop("nullable", None)
    if is_nullable is not True:
        return
    kind = schema.get("type")
    if isinstance(kind, str):
        schema["type"] = [kind, "null"]
        if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]
    elif kind is None and ("$ref" in schema or "allOf" in schema or "oneOf" in schema or "anyOf" in schema):
        moved = {k: schema.pop(k) for k in ("$ref", "allOf", "oneOf", "anyOf", "discriminator") if k in schema}
        schema["anyOf"] = [moved, {"type": "null"}]


def _tuples(schema: dict[str, Any]) -> None:
    """`items: [a, b], additionalItems: c` -> `prefixItems: [a, b], items: c`."""
    if isinstance(schema.get("items"), list):
        schema["prefixItems"] = schema.pop("items")
        if "additionalItems" in schema:
            schema["items"] = schema.pop("additionalItems")
    else:
        schema.pop("additionalItems", None)


def _dependencies(schema: dict[str, Any]) -> None:
    """Draft 7's `dependencies` are two keywords today."""
    given = schema.pop("dependencies", None)
    for name, value in given.items() if isinstance(given, dict) else ():
        keyword = "dependentRequired" if isinstance(value, list) else "dependentSchemas"
        schema.setdefault(keyword, {})[name] = value
