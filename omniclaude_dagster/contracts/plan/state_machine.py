"""Plans REDUCER nodes whose request spells out states: events move one state to the next, and nowhere else."""

from dataclasses import replace

from omniclaude_dagster.contracts.plan.common import PlanInput, fields_from_hints, sample_from_fields
from omniclaude_dagster.node.blueprint import EnumSpec, FieldSpec, Logic, ModelSpec, NodeBlueprint
from omniclaude_dagster.request import naming

FLAVOUR = "state_machine"
_TAKEN = frozenset({"trigger", "state", "status"})


def plan_state_machine(plan: PlanInput) -> NodeBlueprint | None:
    """Blueprint of a state machine, or None when the request spells out none or shows other data by examples."""
    hints = plan.parsed.contract_hints
    if not hints.transitions or plan.examples:
        return None
    base = plan.stem.removesuffix("State").removesuffix("Status") or plan.stem
    states = EnumSpec(f"Enum{base}State", f"States of {plan.stem}.", hints.states)
    triggers = tuple(dict.fromkeys(t.trigger for t in hints.transitions))
    trigger_enum = EnumSpec(f"Enum{base}Trigger", f"What moves {plan.stem} on.", triggers)
    more = tuple(f for f in fields_from_hints(plan.parsed) if f.name not in _TAKEN)
    blueprint = plan.blueprint(
        operations=("advance",),
        input_model=ModelSpec(
            plan.model_class("Input"),
            f"One event of {plan.stem}.",
            (FieldSpec("trigger", trigger_enum.class_name, "What happened."), *more),
        ),
        output_model=ModelSpec(
            plan.model_class("Output"),
            f"Where {plan.stem} stands after its events.",
            (
                FieldSpec("state", states.class_name, "The state after the last event."),
                FieldSpec("history", f"list[{states.class_name}]", "Every state so far, the initial one first."),
                FieldSpec("is_final", "bool", "True when no event leads on."),
                FieldSpec("rejected", "list[int]", "Positions of events that the state did not allow.", "list"),
            ),
        ),
        logic=Logic(
            "template",
            f"reduce_{naming.snake_case(plan.stem)}"[:63],
            template="logic/reducer_state_machine.py.jinja2",
            detail=f"state machine of {len(hints.states)} states",
        ),
        flavour=FLAVOUR,
        sample_input={"items": [{"trigger": hints.transitions[0].trigger, **sample_from_fields(more)}]},
    )
    # Verbs of the request name its events; what the node does is one thing.
    return replace(blueprint, enums=(states, trigger_enum), operations=("advance",))
