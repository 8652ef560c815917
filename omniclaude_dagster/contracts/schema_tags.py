"""OpenAPI's discriminators as JSON Schema says it: each choice names the value that its tag must have."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from omniclaude_dagster.contracts.references import name_of
from omniclaude_dagster.request.contract.schema_walk import descendants

_DEFINITIONS = "#/$defs/"


def with_tags(document: dict[str, Any]) -> dict[str, Any]:
    """The document with a constant tag in every definition that a discriminator leads to."""
    tags: dict[str, dict[str, list[str]]] = {}
    for schema in _schemas(document):
        for reference, name, value in _leads(schema):
            values = tags.setdefault(reference, {}).setdefault(name, [])
            if value not in values:
                values.append(value)
    if not tags:
        return document
    tagged = deepcopy(document)
    for reference, named in tags.items():
        definition = reference.removeprefix(_DEFINITIONS)
        target = tagged.get("$defs", {}).get(definition)
        if reference.startswith(_DEFINITIONS) and isinstance(target, dict):
            tagged["$defs"][definition] = _tagged(target, named)
    return tagged


def _schemas(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (schema for schema in descendants(document) if isinstance(schema, dict))


def _leads(schema: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Reference, tag property and value of each choice."""
    given = schema.get("discriminator")
    name = given.get("propertyName") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(name, str):
        return
    mapping = given.get("mapping")
    mapping = mapping if isinstance(mapping, dict) else {}
    mapped = {target for target in mapping.values() if isinstance(target, str)}
    yield from ((target, name, value) for value, target in mapping.items() if isinstance(target, str))
    for choice in (*(schema.get("oneOf") or ()), *(schema.get("anyOf") or ())):
        reference = choice.get("$ref") if isinstance(choice, dict) else None
        if isinstance(reference, str) and reference not in mapped:
            yield reference, name, name_of(reference)


def _tagged(schema: dict[str, Any], named: dict[str, list[str]]) -> dict[str, Any]:
    properties = schema.get("properties", {})
    has_values = {n for n in named if isinstance(properties.get(n), dict) and {"const", "enum"} & properties[n].keys()}
    tags = {n: {"const": v[0]} if len(v) == 1 else {"enum": v} for n, v in named.items() if n not in has_values}
    annotations: dict[str, Any] = {k: v for k, v in schema.items() if k in {"title", "description"}}
    rest = {k: v for k, v in schema.items() if k not in annotations}
    return {**annotations, "allOf": [rest, {"properties": tags, "required": sorted(named)}]}
