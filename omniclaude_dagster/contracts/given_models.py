"""From the schemas of a given contract to the models of a node: input, output, what they hold, a first sample."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from omniclaude_dagster.contracts.schema_mapper import Place, SchemaMapper
from omniclaude_dagster.contracts.schema_merge import merged
from omniclaude_dagster.contracts.schema_tags import with_tags
from omniclaude_dagster.contracts.schema_values import schema_problem
from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.node.blueprint import EnumSpec, ModelSpec
from omniclaude_dagster.request import naming
from omniclaude_dagster.request.contract.dialect import in_2020

# Field that holds a value which is no object itself.
VALUE_FIELD = "value"


@dataclass(frozen=True)
class GivenModels:
    """What the schemas of a contract become; `None` for a side the contract does not describe."""

    input_model: ModelSpec | None
    output_model: ModelSpec | None
    extra_models: tuple[ModelSpec, ...]
    enums: tuple[EnumSpec, ...]
    sample: Mapping[str, Any]
    notes: tuple[str, ...]


def models_of(
    schemas: Mapping[str, Any], *, stem: str, role_classes: Mapping[str, str], descriptions: Mapping[str, str]
) -> GivenModels:
    """The models of `{"Input": schema, "Output": schema, "$defs": ...}`. Raises RequestError.

    `role_classes` are the names of the two models; `stem` names what they hold.
    """
    document = with_tags(in_2020(document_of(schemas)))
    problem = schema_problem(document)
    if problem:
        raise RequestError(f"the contract is no valid JSON Schema: {problem}.", cure="correct the schema there")
    mapper = SchemaMapper(
        document,
        taken_classes=frozenset(role_classes.values()) | {f"Model{stem}Config", f"Model{stem}Step"},
        # The enum of a system's own operations.
        taken_enums=frozenset({f"enum_{naming.snake_case(stem)}_operation"}),
    )
    sides = {
        role: _side(mapper, f"#/$defs/{role}", stem, role_classes[role], descriptions[role])
        for role in ("Input", "Output")
        if role in document["$defs"]
    }
    sample: Any = {}
    if "Input" in sides:
        sample = mapper.values.sample({"$ref": "#/$defs/Input"}, name="the input")
        sample = sample if _is_object(mapper, "#/$defs/Input") else {VALUE_FIELD: sample}
    own = {model.class_name for model in sides.values()}
    return GivenModels(
        input_model=sides.get("Input"),
        output_model=sides.get("Output"),
        extra_models=tuple(m for name, m in mapper.objects.models.items() if name not in own),
        enums=mapper.enums.specs,
        sample=sample,
        notes=mapper.notes.all,
    )


def document_of(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """One document whose `$defs` hold the two sides; a schema that is the input itself becomes its definition."""
    # References are changed in place below, and the request's contract must stay as it is.
    schemas = deepcopy(dict(schemas))
    definitions = dict(schemas.get("$defs") or {})
    for lower, role in (("input", "Input"), ("output", "Output")):
        if lower in definitions and role not in definitions:
            definitions[role] = definitions.pop(lower)
            _redirect(definitions, f"#/$defs/{lower}", f"#/$defs/{role}")
    if "Input" not in definitions and "Output" not in definitions:
        root = {k: v for k, v in schemas.items() if k not in {"$defs", "definitions"}}
        definitions["Input"] = root
        _redirect(definitions, "#", "#/$defs/Input")
    return {"$defs": definitions}


def _side(mapper: SchemaMapper, reference: str, stem: str, class_name: str, description: str) -> ModelSpec:
    place = Place("", stem, stem)
    schema = mapper.references.target(reference)
    plain = merged(schema, mapper.references, mapper.notes.at(""))
    if isinstance(plain, dict) and mapper.objects.is_model(plain):
        mapper.remember(reference, class_name)
        mapper.notes.about_keywords(plain, "")
    else:
        # A list, a value or a choice has no fields: it is the value of one field.
        mapper.notes.add("", f"it is no object with properties, so its value is the field {VALUE_FIELD}")
        plain = {"properties": {VALUE_FIELD: schema}, "required": [VALUE_FIELD], "additionalProperties": False}
    about = str(plain.get("description") or description)
    return mapper.objects.build({**plain, "type": "object", "description": about}, place, class_name, owner=stem)


def _is_object(mapper: SchemaMapper, reference: str) -> bool:
    plain = merged(mapper.references.target(reference), mapper.references, lambda _: None)
    return isinstance(plain, dict) and mapper.objects.is_model(plain)


def _redirect(value: Any, old: str, new: str) -> None:
    """Change references in place; the definitions are our own copy."""
    todo = [value]
    while todo:
        current = todo.pop()
        if isinstance(current, dict):
            if current.get("$ref") == old:
                current["$ref"] = new
            todo.extend(current.values())
        elif isinstance(current, list):
            todo.extend(current)
