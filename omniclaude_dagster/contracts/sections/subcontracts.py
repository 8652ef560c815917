"""The six subcontracts, each built where the node or its request gives reason for it, as plain data.

`builder.validate_contract` has each judged by its own model, so a message names the subcontract and not the whole.
"""

from typing import Any

from omniclaude_dagster.contracts.sections.common import version
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.request.model import NodeKind

_EVENTS = {NodeKind.EFFECT: "performed", NodeKind.COMPUTE: "computed", NodeKind.REDUCER: "reduced"}
# Words in the names of output fields -> the core's own names of aggregations.
_AGGREGATIONS = {
    "sum": ("total", "sum", "totals"),
    "count": ("count", "counts"),
    "avg": ("average", "avg", "mean"),
    "min": ("min", "minimum", "lowest", "smallest"),
    "max": ("max", "maximum", "highest", "largest"),
    "unique_count": ("unique", "distinct"),
}
_DEFAULT_TTL_S = 300


def event_type(blueprint: NodeBlueprint) -> dict[str, Any]:
    """The event a node announces its work with."""
    event: dict[str, Any] = {
        "version": version(),
        "primary_events": [f"{blueprint.snake}_{_EVENTS[blueprint.kind]}"],
        "event_categories": [blueprint.domain],
        "event_routing": "default",
    }
    if "batching" in blueprint.features:
        event["batch_processing"] = True
    if "idempotent" in blueprint.features:
        event["deduplication_enabled"] = True
    return event


def caching(blueprint: NodeBlueprint) -> dict[str, Any] | None:
    """How results are kept, when the request asks for it; the key is made of the input's fields."""
    if "caching" not in blueprint.features:
        return None
    return {
        "version": version(),
        "key_strategy": {
            "version": version(),
            "key_generation_method": "composite_hash",
            "namespace": blueprint.package_name,
        },
        "invalidation_policy": {
            "version": version(),
            "invalidation_strategy": "ttl_based",
            "ttl_seconds": blueprint.contract_hints.cache_ttl_s or _DEFAULT_TTL_S,
        },
    }


def routing(blueprint: NodeBlueprint) -> dict[str, Any] | None:
    """Where calls go, when the request asks for more than one plain call: balancing, failover, breaking circuits."""
    wanted = {"circuit_breaker", "rate_limiting", "failover", "load_balancing"}.intersection(blueprint.features)
    verbs = {operation.split("_")[0] for operation in blueprint.operations}
    if not wanted and not verbs.intersection({"route", "forward", "dispatch", "proxy", "balance"}):
        return None
    section: dict[str, Any] = {
        "version": version(),
        "routing_strategy": "service_mesh_aware",
        "failover_enabled": "failover" in wanted,
    }
    if blueprint.external_systems:
        section["default_target"] = blueprint.external_systems[0].lower().replace(" ", "_")
    if "rate_limiting" in wanted:
        section["rate_limiting_enabled"] = True
    return section


def state_machine(blueprint: NodeBlueprint) -> dict[str, Any]:
    """States and transitions as the request spells them out; otherwise the life of one reduction."""
    hints = blueprint.contract_hints
    if not hints.transitions:
        return _machine(
            blueprint,
            description=f"Life of one reduction of {blueprint.stem}.",
            states=("idle", "reduced"),
            transitions=(("reduce", "idle", "reduced", "process"),),
        )
    names: dict[str, int] = {}
    transitions = []
    for t in hints.transitions:
        count = names[t.trigger] = names.get(t.trigger, 0) + 1
        name = t.trigger if count == 1 else f"{t.trigger}_{count}"
        transitions.append((name, t.from_state, t.to_state, t.trigger))
    return _machine(
        blueprint,
        description=f"States of {blueprint.stem} and how they follow one another.",
        states=hints.states,
        transitions=tuple(transitions),
    )


def _machine(
    blueprint: NodeBlueprint,
    *,
    description: str,
    states: tuple[str, ...],
    transitions: tuple[tuple[str, str, str, str], ...],
) -> dict[str, Any]:
    left = {source for _, source, _, _ in transitions}
    terminal = [state for state in states if state not in left]
    return {
        "version": version(),
        "state_machine_name": f"{blueprint.snake}_fsm",
        "state_machine_version": version(),
        "description": description,
        "initial_state": states[0],
        "terminal_states": terminal,
        "states": [_state(state, is_terminal=state in terminal) for state in states],
        "transitions": [
            {
                "version": version(),
                "transition_name": name,
                "from_state": source,
                "to_state": target,
                "trigger": trigger,
            }
            for name, source, target, trigger in transitions
        ],
    }


def _state(name: str, *, is_terminal: bool) -> dict[str, Any]:
    state: dict[str, Any] = {
        "version": version(),
        "state_name": name,
        "state_type": "terminal" if is_terminal else "operational",
        "description": name.replace("_", " ").capitalize(),
    }
    return state | {"is_terminal": True, "is_recoverable": False} if is_terminal else state


def aggregation(blueprint: NodeBlueprint) -> dict[str, Any]:
    """The core's own names for what the output fields are; groups and windows where the node or request has them."""
    section: dict[str, Any] = {"version": version(), "aggregation_functions": aggregation_functions(blueprint)}
    keys = grouping_fields(blueprint)
    if keys:
        section["grouping"] = {"version": version(), "grouping_fields": keys}
    if blueprint.contract_hints.window_ms:
        section["windowing"] = {
            "version": version(),
            "windowing_enabled": True,
            "window_size_ms": blueprint.contract_hints.window_ms,
        }
    return section


def aggregation_functions(blueprint: NodeBlueprint) -> list[str]:
    """Names such as `sum` and `count`; a combination when no output field says one."""
    said = {word for f in blueprint.output_model.fields for word in f.name.split("_")}
    return [name for name, words in _AGGREGATIONS.items() if said.intersection(words)] or ["result_combine"]


def reduction_function(field_name: str) -> str:
    """What reduces the items to one output field: `total_by_player` -> `sum`, a name of its own otherwise."""
    words = set(field_name.split("_"))
    return next((name for name, known in _AGGREGATIONS.items() if words.intersection(known)), field_name)


def grouping_fields(blueprint: NodeBlueprint) -> list[str]:
    """Input fields by which an output map is grouped."""
    maps = [f.name for f in blueprint.output_model.fields if f.type.startswith("dict[")]
    keys = [f.name for f in blueprint.input_model.fields if f.type in {"str", "UUID"}]
    named = [key for key in keys if any(key in name for name in maps)]
    return (named or keys[:1]) if maps else []


def state_management(blueprint: NodeBlueprint) -> dict[str, Any]:
    """State lives in the caller's hands: a reduction is given its items and gives its state."""
    section: dict[str, Any] = {"version": version()}
    if "caching" not in blueprint.features:
        section["caching_enabled"] = False
    return section
