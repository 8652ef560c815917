"""Plans EFFECT nodes: which outside system they work on, with which operations and which models.

What each system needs is in `systems/`; a request for another, for several or for none becomes a scaffold.
"""

from dataclasses import replace

from omniclaude_dagster.contracts.plan.common import (
    PlanInput,
    fields_from_examples,
    fields_from_hints,
    sample_from_fields,
)
from omniclaude_dagster.contracts.plan.systems.adapter import ADAPTER
from omniclaude_dagster.contracts.plan.systems.model import System, asked_operations
from omniclaude_dagster.contracts.plan.systems.registry import system_named
from omniclaude_dagster.node.blueprint import EnumSpec, FieldSpec, Logic, ModelSpec, NodeBlueprint


def plan_effect(plan: PlanInput) -> NodeBlueprint:
    """Blueprint of an EFFECT node."""
    names = plan.parsed.external_systems
    system = system_named(names[0]) if len(names) == 1 else None
    return _scaffold(plan) if system is None else plan_for_system(plan, system, asked_operations(plan, system))


def plan_for_system(plan: PlanInput, system: System, operations: tuple[str, ...]) -> NodeBlueprint:
    """Blueprint of a node that does these operations on one system."""
    enum = EnumSpec(f"Enum{plan.stem}Operation", f"Operations of {plan.stem}.", operations)
    models = system.models(plan, enum)
    blueprint = plan.blueprint(
        operations=operations,
        input_model=models.input_model,
        output_model=models.output_model,
        logic=Logic(
            origin="template",
            function="perform",
            template=f"logic/effect_{system.flavour}.py.jinja2",
            detail=f"template for {system.name}",
        ),
        flavour=system.flavour,
        sample_input=models.sample,
    )
    return replace(
        blueprint,
        enums=(enum, *models.extra_enums),
        extra_models=models.extra_models,
        requirements=system.requirements,
        environment=system.environment,
        operation_values=operations,
    )


def _scaffold(plan: PlanInput) -> NodeBlueprint:
    """A node that is complete but for its adapter, which a person writes."""
    inputs = plan.given_fields("Input") or (
        fields_from_examples([e.input for e in plan.examples]) or fields_from_hints(plan.parsed)
    )
    outputs = plan.given_fields("Output") or fields_from_examples(
        [e.output for e in plan.examples if e.output is not None]
    )
    input_fields = inputs or (FieldSpec("payload", "dict[str, JsonValue]", "What the operation works on.", "dict"),)
    output_fields = outputs or (FieldSpec("result", "dict[str, JsonValue]", "What the operation gave.", "dict"),)
    blueprint = plan.blueprint(
        operations=("perform",),
        input_model=ModelSpec(plan.model_class("Input"), f"Input of {plan.stem}.", input_fields),
        output_model=ModelSpec(plan.model_class("Output"), f"Output of {plan.stem}.", output_fields),
        logic=Logic(
            "scaffold",
            plan.function_name,
            template=f"logic/effect_{ADAPTER.flavour}.py.jinja2",
            detail=_why_scaffold(plan),
        ),
        flavour=ADAPTER.flavour,
        sample_input=sample_from_fields(inputs),
    )
    return replace(blueprint, environment=ADAPTER.environment)


def _why_scaffold(plan: PlanInput) -> str:
    names = plan.parsed.external_systems
    if not names:
        return "the request names no outside system that has a template"
    missing = [name for name in names if system_named(name) is None]
    if missing:
        return f"there is no template yet for {', '.join(missing)}"
    return f"one node works on one outside system; the request names {', '.join(names)}"
