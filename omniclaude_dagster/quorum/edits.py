"""Edits that a panel proposes, applied to the typed node and never to its text. Pure.

Everything in an edit is untrusted. A body goes through the same reading as any model's answer (`read_function`, given
by the caller); a description becomes one clean line; a bound must fit its field and may reject nothing that the
request itself shows. Whether an edit is any good is found out by execution (`refinement.py`).
"""

import ast
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from omniclaude_dagster.node.blueprint import FieldSpec, ModelSpec, NodeBlueprint
from omniclaude_dagster.quorum.constraints import bound_problem, holds, values_in, with_bound
from omniclaude_dagster.quorum.model import ProposedEdit

MAX_DESCRIPTION_CHARS = 300

# (source as a model wrote it, node) -> source as a node may have it. Raises ValueError.
type ReadFunction = Callable[[str, NodeBlueprint], str]


class EditError(ValueError):
    """The edit cannot be applied to this node; the message says why."""


def apply_edit(blueprint: NodeBlueprint, edit: ProposedEdit, *, read_function: ReadFunction) -> NodeBlueprint:
    """The node with the edit. Raises EditError where it does not fit, or changes nothing."""
    if edit.kind == "replace_logic":
        return _with_logic(blueprint, edit, read_function)
    if not takes_field_edits(blueprint):
        raise EditError("the fields are those of a contract that a person gave")
    model, field = _target(blueprint, edit)
    if edit.kind == "set_field_description":
        changed = _described(field, edit)
    else:
        changed = _bounded(blueprint, model, field, edit)
    return _with_field(blueprint, model, changed)


def takes_logic(blueprint: NodeBlueprint) -> bool:
    """Whether the node has a body of its own; a template's or a scaffold's is not replaced."""
    return blueprint.logic.source is not None and blueprint.logic.template is None


def takes_field_edits(blueprint: NodeBlueprint) -> bool:
    """Whether the models are ours to change: those of a given contract or schema are the person's."""
    if blueprint.given_contract is not None:
        return False
    request = json.loads(blueprint.request_json) if blueprint.request_json else {}
    return request.get("contract") is None


def edit_key(edit: ProposedEdit) -> str:
    """Equal for two edits that propose the same: bodies by their syntax tree, numbers by their value."""
    if edit.kind == "replace_logic":
        return f"replace_logic:{_tree_of(edit.source)}"
    if edit.kind == "set_field_description":
        return json.dumps([edit.kind, edit.model, edit.field, one_line(str(edit.value))])
    is_number = isinstance(edit.value, int | float) and not isinstance(edit.value, bool)
    value = float(edit.value) if is_number and abs(edit.value) < 1e300 else str(edit.value)  # type: ignore[arg-type]
    return json.dumps([edit.kind, edit.model, edit.field, edit.constraint, value])


def one_line(text: str) -> str:
    """The text on one line, without anything that cannot be seen."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _with_logic(blueprint: NodeBlueprint, edit: ProposedEdit, read_function: ReadFunction) -> NodeBlueprint:
    if not takes_logic(blueprint):
        raise EditError("the node has no body of its own to replace")
    try:
        source = read_function(edit.source, blueprint)
    except (ValueError, SyntaxError) as exc:
        raise EditError(f"the proposed body cannot be taken: {exc}") from exc
    logic = blueprint.logic
    if _tree_of(source) == _tree_of(logic.source or ""):
        raise EditError("the proposed body is the one there is")
    # What was promised of the old body (`is_total`) and what is still open about it hold for the new one too.
    detail = "replaced by the quorum"
    return blueprint.with_logic(
        replace(logic, origin="model", source=source, model=edit.proposed_by or None, detail=detail)
    )


def _target(blueprint: NodeBlueprint, edit: ProposedEdit) -> tuple[ModelSpec, FieldSpec]:
    model = next((m for m in blueprint.models if m.class_name == edit.model), None)
    field = next((f for f in model.fields if f.name == edit.field), None) if model else None
    if model is None or field is None:
        raise EditError(f"the node has no field {edit.model[:80]}.{edit.field[:80]}")
    return model, field


def _described(field: FieldSpec, edit: ProposedEdit) -> FieldSpec:
    text = one_line(edit.value) if isinstance(edit.value, str) else ""
    if not text or len(text) > MAX_DESCRIPTION_CHARS:
        raise EditError(f"a description has 1 to {MAX_DESCRIPTION_CHARS} characters")
    if text == field.description:
        raise EditError("the description is the one there is")
    return replace(field, description=text)


def _bounded(blueprint: NodeBlueprint, model: ModelSpec, field: FieldSpec, edit: ProposedEdit) -> FieldSpec:
    name, value = edit.constraint, edit.value
    problem = bound_problem(field, name, value)
    if problem is not None or not isinstance(value, int | float):
        raise EditError(f"{model.class_name}.{field.name}: {problem or 'the value is no number'}")
    for origin, shown in _shown_values(blueprint, model, field):
        if not holds(name, value, shown):
            raise EditError(f"{model.class_name}.{field.name}: {name} {value} would reject {origin}")
    return replace(field, constraints=with_bound(field, name, value))


def _shown_values(blueprint: NodeBlueprint, model: ModelSpec, field: FieldSpec) -> Iterator[tuple[str, object]]:
    """Values of the field that must stay possible, with where each comes from."""
    models = {m.class_name: m for m in blueprint.models}
    for origin, spec, data in _instances(blueprint):
        for value in values_in(data, spec, wanted=(model.class_name, field.name), models=models):
            yield origin, value
    try:
        yield "its own default", ast.literal_eval(field.default or "")
    except (ValueError, SyntaxError):
        # No default, or one that is made when it is needed.
        return


def _instances(blueprint: NodeBlueprint) -> Iterator[tuple[str, ModelSpec, object]]:
    """The sample, and inputs and outputs of examples; the input of one that must raise may well be rejected."""
    inputs = [("the sample input", blueprint.sample_input)]
    for number, example in enumerate(blueprint.examples, 1):
        if example.output is not None:
            inputs.append((f"the input of example {number}", example.input))
            yield f"the output of example {number}", blueprint.output_model, example.output
    for origin, data in inputs:
        for part in _inputs_of(blueprint, data):
            yield origin, blueprint.input_model, part


def _inputs_of(blueprint: NodeBlueprint, data: Mapping[str, Any]) -> list[Any]:
    """A reducer is given a list of its inputs."""
    items = data.get("items")
    is_list = isinstance(items, list) and "items" not in {f.name for f in blueprint.input_model.fields}
    return list(items) if is_list and isinstance(items, list) else [data]


def _with_field(blueprint: NodeBlueprint, model: ModelSpec, changed: FieldSpec) -> NodeBlueprint:
    fields = tuple(changed if f.name == changed.name else f for f in model.fields)
    new = replace(model, fields=fields)
    return replace(
        blueprint,
        input_model=new if blueprint.input_model is model else blueprint.input_model,
        output_model=new if blueprint.output_model is model else blueprint.output_model,
        extra_models=tuple(new if m is model else m for m in blueprint.extra_models),
    )


def _tree_of(source: str) -> str:
    """The syntax tree as text, without docstrings; the text itself where it is no Python."""
    try:
        module = ast.parse(source)
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.Module | ast.ClassDef) and ast.get_docstring(node) is not None:
                node.body = node.body[1:]
        return ast.dump(module)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source.strip()
