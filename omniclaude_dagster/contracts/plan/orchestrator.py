"""Plans ORCHESTRATOR nodes: their steps, what each waits for, and the models of a whole workflow."""

import re
from dataclasses import replace

from omniclaude_dagster.contracts.plan.common import PlanInput, fields_from_hints, sample_from_fields
from omniclaude_dagster.node.blueprint import FieldSpec, Logic, ModelSpec, NodeBlueprint, StepSpec

_EFFECT_WORDS = frozenset(
    "fetch send notify notification email store save write persist publish ship shipping charge payment pay upload "
    "download load call refund reserve deliver provision deploy register archive import export read post".split()
)
_REDUCE_WORDS = frozenset("aggregate summarize combine merge collect total consolidate".split())


def plan_orchestrator(plan: PlanInput) -> NodeBlueprint:
    """Blueprint of an ORCHESTRATOR node. Steps the prompt names are declared; otherwise the caller gives them."""
    steps = _steps(plan)
    hints = () if plan.given_fields("Input") else fields_from_hints(plan.parsed)
    payload = FieldSpec("payload", "dict[str, JsonValue]", "What the workflow works on.", "dict")
    inputs: tuple[FieldSpec, ...] = (*hints, payload)
    extra: tuple[ModelSpec, ...] = ()
    sample: dict[str, object] = {**sample_from_fields(hints), "payload": {"order_id": "1"}}
    if not steps:
        step_class = plan.model_class("Step")
        extra = (_step_model(step_class),)
        steps_field = FieldSpec("steps", f"list[{step_class}]", "Steps to run.", constraints={"min_length": 1})
        inputs = (*hints, steps_field, payload)
        sample["steps"] = [{"name": "prepare"}, {"name": "perform", "depends_on": ["prepare"]}]
    blueprint = plan.blueprint(
        operations=("run_steps",),
        input_model=ModelSpec(plan.model_class("Input"), f"One run of {plan.stem}.", inputs),
        output_model=_output_model(plan),
        logic=Logic(
            "template",
            "execution_order",
            template="logic/orchestrator.py.jinja2",
            detail=f"{len(steps)} declared steps" if steps else "steps are given by the caller",
        ),
        flavour="declared" if steps else "dynamic",
        sample_input=sample,
    )
    named = tuple(s.name for s in steps) or blueprint.operations
    return replace(blueprint, operations=named, extra_models=extra, steps=steps)


def _steps(plan: PlanInput) -> tuple[StepSpec, ...]:
    names: list[str] = []
    for raw in plan.parsed.steps:
        name = re.sub(r"[^a-z0-9]+", "_", raw.lower()).strip("_")[:60]
        if name and not name[0].isdigit() and name not in names:
            names.append(name)
    if len(names) < 2:
        return ()
    is_parallel = bool(
        re.search(r"\b(in parallel|concurrently|simultaneously|at the same time)\b", plan.request.prompt, re.I)
    )
    steps = []
    for position, name in enumerate(names):
        waits_for = () if is_parallel or position == 0 else (names[position - 1],)
        steps.append(StepSpec(name, _step_type(name), waits_for))
    return tuple(steps)


def _step_type(name: str) -> str:
    words = set(name.split("_"))
    if words & _REDUCE_WORDS:
        return "reducer"
    return "effect" if words & _EFFECT_WORDS else "compute"


def _step_model(class_name: str) -> ModelSpec:
    return ModelSpec(
        class_name,
        "One step and the names of the steps it waits for.",
        (
            FieldSpec("name", "str", "Unique name; a handler is registered for it.", constraints={"min_length": 1}),
            FieldSpec("depends_on", "list[str]", "Steps that must have completed.", "list"),
            FieldSpec("timeout_ms", "int", "Longest time of the step.", "30000", {"ge": 100, "le": 300_000}),
        ),
    )


def _output_model(plan: PlanInput) -> ModelSpec:
    return ModelSpec(
        plan.model_class("Output"),
        f"What a run of {plan.stem} did.",
        (
            FieldSpec("status", "str", "completed or failed."),
            FieldSpec("completed_steps", "list[str]", "Steps that completed, in that order.", "list"),
            FieldSpec("failed_steps", "list[str]", "Steps that failed.", "list"),
            FieldSpec("skipped_steps", "list[str]", "Steps that waited for a failed one.", "list"),
            FieldSpec("outputs", "dict[str, dict[str, JsonValue]]", "Result of each completed step.", "dict"),
        ),
    )
