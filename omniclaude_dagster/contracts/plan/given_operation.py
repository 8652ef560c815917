"""Plans the EFFECT node of one operation of an OpenAPI document: method and path are set, the body has its type.

The node is the HTTP template's; only its fields know more. What the API answers is read as any JSON: an API that
adds a field must not break its callers.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from omniclaude_dagster.contracts.given_models import GivenModels
from omniclaude_dagster.contracts.plan.common import PlanInput
from omniclaude_dagster.contracts.plan.effect import plan_for_system
from omniclaude_dagster.contracts.plan.systems.http_api import HTTP_API
from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.node.blueprint import FieldSpec, NodeBlueprint

_PLACEHOLDER = re.compile(r"\{[^{}/]+\}")


def plan_operation(plan: PlanInput, given: GivenModels, operation: Mapping[str, Any]) -> NodeBlueprint:
    """Blueprint of a node that makes this one call. Raises RequestError for a method the template does not have."""
    method, path = str(operation["method"]), str(operation["path"])
    if method not in HTTP_API.operation_words:
        raise RequestError(
            f"nodes do not send {method}.", cure=f"point to an operation with {', '.join(HTTP_API.operation_words)}"
        )
    parsed = replace(plan.parsed, external_systems=(HTTP_API.name,), fields=())
    blueprint = plan_for_system(replace(plan, parsed=parsed), HTTP_API, (method,))
    own = {f.name: f for f in given.input_model.fields} if given.input_model else {}
    fields = tuple(_field(f, path, own.get("body")) for f in blueprint.input_model.fields)
    input_model = replace(blueprint.input_model, fields=tuple(sorted(fields, key=lambda f: f.default is not None)))
    extra = tuple(m for m in given.extra_models if _is_mentioned(m.class_name, own.get("body"), given))
    enums = {name for m in (input_model, *extra) for f in m.fields for name in f.enums}
    sample: dict[str, Any] = {"path": _PLACEHOLDER.sub("1", path)}
    if "body" in given.sample:
        sample["body"] = given.sample["body"]
    return replace(
        blueprint,
        input_model=input_model,
        extra_models=(*blueprint.extra_models, *extra),
        enums=(*blueprint.enums, *(e for e in given.enums if e.class_name in enums)),
        sample_input=blueprint.sample_input if blueprint.examples else sample,
        contract_notes=_notes(given, operation),
    )


def _field(field: FieldSpec, path: str, body: FieldSpec | None) -> FieldSpec:
    if field.name == "body" and body is not None:
        return replace(body, description=body.description or "Body of the call.", alias=None)
    if field.name != "path":
        return field
    # Braces stand for one segment each; everything else is the path as it is.
    pieces = [re.escape(piece) for piece in _PLACEHOLDER.split(path)]
    pattern = f"^{'[^/?#\\s]+'.join(pieces)}$".replace("\\-", "-")
    default = None if _PLACEHOLDER.search(path) else repr(path)
    return replace(field, default=default, constraints={"pattern": pattern}, description=f"Path of the call: {path}")


def _is_mentioned(name: str, body: FieldSpec | None, given: GivenModels) -> bool:
    models = {m.class_name: m for m in given.extra_models}
    todo = sorted(body.names & models.keys()) if body else []
    seen: set[str] = set()
    while todo:
        current = todo.pop()
        if current not in seen:
            seen.add(current)
            todo.extend(n for f in models[current].fields for n in f.names if n in models)
    return name in seen


def _notes(given: GivenModels, operation: Mapping[str, Any]) -> tuple[str, ...]:
    parameters = [p for p in operation.get("parameters", ()) if isinstance(p, dict)]
    places = {"query": "query", "header": "headers"}
    notes = [f"{p['name']}: goes into `{places[p['in']]}` as text" for p in parameters if p.get("in") in places]
    if given.output_model is not None:
        notes.append("the answer: its schema is not checked; body is any JSON")
    return tuple(notes)
