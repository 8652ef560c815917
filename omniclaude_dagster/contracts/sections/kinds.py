"""The sections that only one kind of contract has, inferred from the blueprint; plain data."""

from collections.abc import Callable
from typing import Any

from omniclaude_dagster.contracts.plan.systems.registry import system_of_flavour
from omniclaude_dagster.contracts.sections import subcontracts
from omniclaude_dagster.contracts.sections.common import dependencies, operation_max_ms
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.request.model import NodeKind

_MAX_IO_OPERATIONS = 20
_MAX_CACHED_RETRIES = 10
_MAX_ATTEMPTS_DEFAULT = 3
_WRITING_WORDS = frozenset(
    "insert upsert update delete write append transaction put post patch set produce send publish index bulk store "
    "remove increment push pop expire commit upload".split()
)


def _effect(blueprint: NodeBlueprint) -> dict[str, Any]:
    system = system_of_flavour(blueprint.flavour)
    timeout_s = max(1, operation_max_ms(blueprint) // 1_000)
    names = (
        [(f"{system.operation_prefix}_{value.lower()}", value.lower()) for value in blueprint.operation_values]
        if system and blueprint.operation_values
        else [(name, name) for name in blueprint.operations]
    )
    operations = [
        {
            "operation_type": name,
            "atomic": bool(_WRITING_WORDS.intersection(plain.split("_"))),
            "timeout_seconds": timeout_s,
        }
        for name, plain in names[:_MAX_IO_OPERATIONS]
    ]
    is_transactional = blueprint.flavour == "postgresql" or "transaction" in blueprint.features
    part: dict[str, Any] = {
        "io_operations": operations,
        "idempotent_operations": (system is not None and system.is_idempotent) or "idempotent" in blueprint.features,
        "retry_policies": {
            "max_attempts": blueprint.contract_hints.max_attempts or _MAX_ATTEMPTS_DEFAULT,
            "circuit_breaker_enabled": "circuit_breaker" in blueprint.features,
        },
        # The core wants an atomic operation where transactions are.
        "transaction_management": {"enabled": is_transactional and any(o["atomic"] for o in operations)},
        "event_type": subcontracts.event_type(blueprint),
    }
    if blueprint.external_systems:
        part["external_services"] = [_external_service(name) for name in blueprint.external_systems]
    needed = dependencies(blueprint)
    return part | ({"dependencies": needed} if needed else {})


def _external_service(name: str) -> dict[str, Any]:
    plain = name.lower().replace(" ", "_").replace("/", "_")
    return {"service_name": plain, "service_type": plain, "required": True}


def _compute(blueprint: NodeBlueprint) -> dict[str, Any]:
    return {
        "deterministic_execution": True,
        # Without an algorithm the core warns of a legacy contract.
        "algorithm": {"algorithm_type": blueprint.logic.function, "factors": _factors(blueprint)},
        "event_type": subcontracts.event_type(blueprint),
    }


def _factors(blueprint: NodeBlueprint) -> dict[str, Any]:
    """The inputs with the weights the request states; where it states none they all weigh the same."""
    stated = dict(blueprint.contract_hints.weights)
    if stated:
        return {
            name: {"weight": weight, "calculation_method": "weighted_sum"}
            for name, weight in stated.items()
        }  # fmt: skip
    names = [f.name for f in blueprint.input_model.fields]
    share = round(1 / len(names), 6) if names else 1.0
    weights = [share] * (len(names) - 1)
    weights.append(round(1 - sum(weights), 6))
    return {
        name: {"weight": weight, "calculation_method": "input"} for name, weight in zip(names, weights, strict=False)
    }


def _reducer(blueprint: NodeBlueprint) -> dict[str, Any]:
    part: dict[str, Any] = {
        "reduction_operations": [
            {"operation_type": "aggregate", "reduction_function": subcontracts.reduction_function(f.name)}
            for f in blueprint.output_model.fields
        ],
        "state_machine": subcontracts.state_machine(blueprint),
        "aggregation": subcontracts.aggregation(blueprint),
        "state_management": subcontracts.state_management(blueprint),
        "event_type": subcontracts.event_type(blueprint),
    }
    if blueprint.contract_hints.transitions:
        part["order_preserving"] = True
    return part


def _orchestrator(blueprint: NodeBlueprint) -> dict[str, Any]:
    steps = blueprint.steps
    is_parallel = len(steps) > 1 and not any(step.depends_on for step in steps)
    coordination: dict[str, Any] = {
        "execution_mode": "parallel" if is_parallel else "sequential",
        "timeout_ms": operation_max_ms(blueprint),
    }
    if is_parallel:
        coordination["max_parallel_branches"] = len(steps)
    if steps:
        coordination["workflow_definition"] = {
            "workflow_metadata": {"workflow_name": blueprint.snake, "description": blueprint.description},
            "execution_graph": {
                "nodes": [
                    {
                        "node_id": step.name,
                        "node_type": f"{step.step_type}_generic",
                        "depends_on": list(step.depends_on),
                    }
                    for step in steps
                ]
            },
        }
    return {"workflow_coordination": coordination}


SECTIONS: dict[NodeKind, Callable[[NodeBlueprint], dict[str, Any]]] = {
    NodeKind.EFFECT: _effect,
    NodeKind.COMPUTE: _compute,
    NodeKind.REDUCER: _reducer,
    NodeKind.ORCHESTRATOR: _orchestrator,
}
