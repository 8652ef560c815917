"""Plans a node from a contract that a person gave: its schemas become the models, its sections stay as they are.

The planner of the kind decides logic and system as for any request; it sees the given fields with plain types. Then
the given models take the place of the planned ones. A section that a person gave wins over one that was inferred.
"""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from omniclaude_dagster.contracts.given_models import GivenModels, document_of, models_of
from omniclaude_dagster.contracts.plan.common import PlanInput
from omniclaude_dagster.contracts.plan.given_operation import plan_operation
from omniclaude_dagster.contracts.schema_types import plain_type
from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.node.blueprint import FieldSpec, ModelSpec, NodeBlueprint
from omniclaude_dagster.request import naming
from omniclaude_dagster.request.contract.given import MODELS_KEY, facts_of, is_dialect_a, prompt_of
from omniclaude_dagster.request.model import FieldHint, NodeKind, ParsedRequest, Transition

_CLASS_NAME = re.compile(r"\AModel[A-Z][A-Za-z0-9]{0,80}\Z", re.ASCII)
Planner = Callable[[PlanInput], NodeBlueprint]

# Identity of the node: it follows the package that is written, whatever the given contract called it.
_IDENTITY = frozenset({"name", "node_type", "input_model", "output_model"})
_SYSTEM_OF_PREFIX = {"database": "PostgreSQL", "api": "HTTP API", "http": "HTTP API", "file": "Files"}
_HINT_WORDS = {
    "str": "text", "int": "integer", "float": "number", "bool": "boolean", "datetime": "datetime", "date": "date",
    "UUID": "uuid",
}  # fmt: skip
_DESCRIPTIONS = {
    "Input": {NodeKind.REDUCER: "One item that {} reduces.", NodeKind.ORCHESTRATOR: "One run of {}."},
    "Output": {NodeKind.REDUCER: "State that {} reduces to.", NodeKind.COMPUTE: "Result of {}."},
}


def plan_given(plan: PlanInput, planner: Planner) -> NodeBlueprint:
    """Blueprint of the node that `plan.request.contract` describes. Raises RequestError."""
    contract = plan.request.contract or {}
    plan = replace(plan, given_classes=_given_classes(contract, plan))
    given = given_models(contract, plan)
    plan = _informed(replace(plan, given=given), contract)
    operation = contract.get("x-operation")
    if isinstance(operation, dict):
        blueprint = plan_operation(plan, given, operation)
    else:
        blueprint = _with_models(planner(plan), given)
    sections, notes = _sections(contract, blueprint)
    return replace(
        blueprint,
        given_contract=sections,
        contract_notes=tuple(dict.fromkeys((*given.notes, *blueprint.contract_notes, *notes))),
    )


def _given_classes(contract: Mapping[str, Any], plan: PlanInput) -> dict[str, str]:
    """Class names that a contract chose for its two models, where a node of ours can carry them."""
    package = naming.package_name(plan.name, plan.kind)
    classes = {}
    for role, key in (("Input", "input_model"), ("Output", "output_model")):
        path = contract.get(key) if is_dialect_a(dict(contract)) else None
        name = str(path).rpartition(".")[2]
        places = {f"{package}.models.{name}", f"{package}.models.{naming.snake_case(name)}.{name}"}
        if path in places and _CLASS_NAME.match(name) and name != f"Model{plan.stem}Config":
            classes[role] = name
    return classes if len(set(classes.values())) == len(classes) else {}


def given_models(contract: Mapping[str, Any], plan: PlanInput) -> GivenModels:
    """The models of a contract's schemas; none where it has no schemas."""
    schemas = contract.get(MODELS_KEY) if is_dialect_a(dict(contract)) else contract
    if not schemas:
        return GivenModels(None, None, (), (), {}, ())
    return models_of(
        schemas,
        stem=plan.stem,
        role_classes={role: plan.model_class(role) for role in ("Input", "Output")},
        descriptions={
            role: words.get(plan.kind, f"{role} of {{}}.").format(plan.stem) for role, words in _DESCRIPTIONS.items()
        },
    )


def contract_notes(contract: Mapping[str, Any]) -> tuple[str, ...]:
    """What the models of a contract will not check, before there is a node. Raises RequestError for a wrong one."""
    schemas = contract.get(MODELS_KEY) if is_dialect_a(dict(contract)) else contract
    if not schemas:
        return ("it names no fields: they come from examples or the prompt, or else one payload field stands for them",)
    roles = {"Input": "ModelGivenInput", "Output": "ModelGivenOutput"}
    return models_of(document_of(schemas), stem="Given", role_classes=roles, descriptions=roles).notes


def _informed(plan: PlanInput, contract: Mapping[str, Any]) -> PlanInput:
    """The parsed request with what the contract says; a signature in its text is no function to write."""
    parsed = replace(plan.parsed, signature=None)
    facts = facts_of(dict(contract))
    if plan.request.prompt == prompt_of(facts):
        parsed = replace(parsed, description=facts.description or f"{plan.stem} of a given contract.")
    parsed = _with_operations(parsed, contract)
    parsed = _with_state_machine(parsed, contract)
    if plan.given and plan.given.input_model and plan.kind is NodeKind.EFFECT:
        parsed = replace(parsed, fields=_hints(plan.given.input_model))
    return replace(plan, parsed=parsed)


def _hints(model: ModelSpec) -> tuple[FieldHint, ...]:
    """Fields as a prompt would name them: columns of a table, parts of a document."""
    hints = []
    for field in model.fields:
        kind = plain_type(field.type).removesuffix(" | None")
        hints.append(FieldHint(field.name, _HINT_WORDS.get(kind, "text" if kind.startswith("Enum") else "json")))
    return tuple(hints)


def _with_operations(parsed: ParsedRequest, contract: Mapping[str, Any]) -> ParsedRequest:
    """`io_operations` say which system is meant, and what is done there."""
    given = contract.get("io_operations")
    named = [str(o.get("operation_type", "")) for o in given if isinstance(o, dict)] if isinstance(given, list) else []
    if not named:
        return parsed
    pairs = [name.lower().partition("_") for name in named]
    systems = parsed.external_systems or tuple(
        dict.fromkeys(_SYSTEM_OF_PREFIX[prefix] for prefix, _, _ in pairs if prefix in _SYSTEM_OF_PREFIX)
    )
    operations = tuple(dict.fromkeys(rest or prefix for prefix, _, rest in pairs))
    return replace(parsed, external_systems=systems, operations=operations)


def _with_state_machine(parsed: ParsedRequest, contract: Mapping[str, Any]) -> ParsedRequest:
    """A given machine with a life of its own becomes the node's; one step from idle to done is every reducer's."""
    machine = contract.get("state_machine")
    transitions = machine.get("transitions") if isinstance(machine, dict) else None
    if not isinstance(transitions, list) or len(transitions) < 2 or parsed.contract_hints.transitions:
        return parsed
    moves = tuple(
        Transition(str(t["from_state"]), str(t["to_state"]), str(t["trigger"]))
        for t in transitions
        if isinstance(t, dict) and {"from_state", "to_state", "trigger"} <= t.keys()
    )
    first = str(machine.get("initial_state", ""))  # type: ignore[union-attr]
    names = [first, *(name for move in moves for name in (move.from_state, move.to_state))]
    states = tuple(dict.fromkeys(name for name in names if name))
    return replace(parsed, contract_hints=replace(parsed.contract_hints, states=states, transitions=moves))


def _with_models(blueprint: NodeBlueprint, given: GivenModels) -> NodeBlueprint:
    notes: tuple[str, ...] = ()
    if blueprint.kind is NodeKind.ORCHESTRATOR:
        blueprint, notes = _orchestrated(blueprint, given)
    elif blueprint.kind is NodeKind.EFFECT and blueprint.operation_values:
        notes = ("the properties became what the system's template works on; their constraints are not checked",)
        return replace(blueprint, contract_notes=notes) if given.input_model else blueprint
    elif blueprint.flavour == "state_machine":
        return blueprint
    else:
        blueprint = _replaced(blueprint, given)
    return replace(
        blueprint,
        extra_models=(*blueprint.extra_models, *_mentioned(blueprint, given)),
        enums=(*blueprint.enums, *given.enums),
        contract_notes=notes,
    )


def _replaced(blueprint: NodeBlueprint, given: GivenModels) -> NodeBlueprint:
    sample: Mapping[str, Any] = blueprint.sample_input
    if given.input_model is not None and not blueprint.examples:
        is_list = blueprint.kind is NodeKind.REDUCER
        sample = {"items": [given.sample, deepcopy(given.sample)]} if is_list else given.sample
    return replace(
        blueprint,
        input_model=given.input_model or blueprint.input_model,
        output_model=given.output_model or blueprint.output_model,
        sample_input=sample,
    )


def _orchestrated(blueprint: NodeBlueprint, given: GivenModels) -> tuple[NodeBlueprint, tuple[str, ...]]:
    """An orchestrator's input also holds what its steps work on; its output is what they did."""
    unused = "the output of an ORCHESTRATOR is what its steps did; the given output is not used"
    notes = (unused,) if given.output_model is not None else ()
    if given.input_model is None:
        return blueprint, notes
    own = [f for f in blueprint.input_model.fields if f.name in {"payload", "steps"}]
    clash = {f.name for f in own}.intersection(f.name for f in given.input_model.fields)
    if clash:
        raise RequestError(
            f"the input of the contract has {sorted(clash)[0]!r}, which every ORCHESTRATOR has for its steps.",
            cure="rename the property",
        )
    fields: tuple[FieldSpec, ...] = (*given.input_model.fields, *own)
    kept = {k: v for k, v in blueprint.sample_input.items() if k in {f.name for f in own}}
    sample = blueprint.sample_input if blueprint.examples else {**given.sample, **kept}
    return replace(blueprint, input_model=replace(given.input_model, fields=fields), sample_input=sample), notes


def _mentioned(blueprint: NodeBlueprint, given: GivenModels) -> tuple[ModelSpec, ...]:
    """Models that input or output mention, and those they mention."""
    by_name = {m.class_name: m for m in given.extra_models}
    todo = [blueprint.input_model, blueprint.output_model]
    found: dict[str, ModelSpec] = {}
    while todo:
        names = {name for f in todo.pop().fields for name in f.names}
        for name in sorted(names & by_name.keys() - found.keys()):
            found[name] = by_name[name]
            todo.append(by_name[name])
    return tuple(found[name] for name in by_name if name in found)


def _sections(contract: Mapping[str, Any], blueprint: NodeBlueprint) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """The sections that are written as they were given, and what had to follow the node's own name."""
    if not is_dialect_a(dict(contract)):
        return None, ()
    kept = {k: v for k, v in contract.items() if not k.startswith("x-") and k not in _IDENTITY}
    package, notes = blueprint.package_name, []
    for role, model in (("input_model", blueprint.input_model), ("output_model", blueprint.output_model)):
        path = contract.get(role)
        known = {f"{package}.models.{model.class_name}", f"{package}.models.{model.module}.{model.class_name}"}
        if path in known:
            kept[role] = path
        elif path is not None:
            notes.append(f"{role}: {str(path)[:100]} is called {model.class_name} in the node")
    if contract.get("name") not in {None, package}:
        notes.append(f"name: {str(contract['name'])[:80]} is called {package}, as its package is")
    return kept, tuple(notes)
