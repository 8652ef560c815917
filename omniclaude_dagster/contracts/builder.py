"""The contract of a node: blueprint -> the real contract model -> YAML -> reloaded and validated again.

The YAML is what is written; it is dumped from the validated model, so it cannot drift from what the core accepts.
"""

import importlib
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from omniclaude_dagster.contracts.plan.systems.registry import system_of_flavour
from omniclaude_dagster.contracts.profile import CoreProfile, core_profile
from omniclaude_dagster.errors import OmniClaudeError
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.request.model import NodeKind

_VERSION = {"major": 1, "minor": 0, "patch": 0}


class ContractError(OmniClaudeError):
    """The real contract model refuses the contract; the message holds its first complaints."""

    exit_code = 1


def contract_yaml(blueprint: NodeBlueprint, *, profile: CoreProfile | None = None) -> str:
    """YAML of the node's contract. Raises ContractError when the core's own model refuses it."""
    chosen = profile or core_profile()
    document = contract_document(blueprint, profile=chosen)
    validate_contract(document, blueprint.kind, profile=chosen)
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    validate_contract(yaml.safe_load(text), blueprint.kind, profile=chosen)
    return text


def validate_contract(document: Any, kind: NodeKind, *, profile: CoreProfile | None = None) -> BaseModel:
    """The contract as the core's own model. Raises ContractError with the reasons."""
    module, symbol = (profile or core_profile()).contract_classes[kind]
    contract_class = getattr(importlib.import_module(module), symbol)
    # The core's validators raise both kinds, and its own is not a ValueError.
    from omnibase_core.errors.model_onex_error import ModelOnexError

    try:
        contract: BaseModel = contract_class.model_validate(document)
    except ValidationError as exc:
        reasons = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors()[:5])
        raise ContractError(f"{symbol} refuses the contract: {reasons}.") from None
    except ModelOnexError as exc:
        raise ContractError(f"{symbol} refuses the contract: {str(exc)[:500]}") from None
    return contract


def contract_document(blueprint: NodeBlueprint, *, profile: CoreProfile) -> dict[str, Any]:
    """The contract as plain data, dialect A."""
    package = blueprint.package_name
    document: dict[str, Any] = {
        "name": package,
        profile.version_field: dict(_VERSION),
        "node_version": dict(_VERSION),
        "node_type": profile.node_types[blueprint.kind],
        "description": blueprint.description,
        "input_model": f"{package}.models.{blueprint.input_model.module}.{blueprint.input_model.class_name}",
        "output_model": f"{package}.models.{blueprint.output_model.module}.{blueprint.output_model.class_name}",
        "tags": sorted({blueprint.domain, blueprint.kind.value.lower(), *map(_tag, blueprint.external_systems)}),
        "performance": {"single_operation_max_ms": _max_ms(blueprint)},
    }
    if blueprint.event_bus is not None:
        document["event_bus"] = {
            "version": dict(_VERSION),
            "publish_topics": list(blueprint.event_bus.publish_topics),
            "subscribe_topics": list(blueprint.event_bus.subscribe_topics),
        }
    document.update(_KIND_PARTS[blueprint.kind](blueprint))
    return document


def _tag(system: str) -> str:
    return system.lower().replace(" ", "_")


def _max_ms(blueprint: NodeBlueprint) -> int:
    return {NodeKind.COMPUTE: 1_000, NodeKind.REDUCER: 5_000, NodeKind.EFFECT: 30_000}.get(blueprint.kind, 300_000)


def _event_type(blueprint: NodeBlueprint, event: str) -> dict[str, Any]:
    return {
        "version": dict(_VERSION),
        "primary_events": [f"{blueprint.snake}_{event}"],
        "event_categories": [blueprint.domain],
        "event_routing": "default",
    }


def _effect(blueprint: NodeBlueprint) -> dict[str, Any]:
    system = system_of_flavour(blueprint.flavour)
    names = (
        [f"{system.operation_prefix}_{name.lower()}" for name in blueprint.operation_values]
        if system
        else blueprint.operations
    )
    return {
        "io_operations": [{"operation_type": name, "timeout_seconds": 30} for name in names[:20]],
        "idempotent_operations": (system is not None and system.is_idempotent) or "idempotent" in blueprint.features,
        "event_type": _event_type(blueprint, "performed"),
    }


def _compute(blueprint: NodeBlueprint) -> dict[str, Any]:
    names = [f.name for f in blueprint.input_model.fields]
    share = round(1 / len(names), 6)
    weights = [share] * (len(names) - 1)
    weights.append(round(1 - sum(weights), 6))
    part: dict[str, Any] = {
        "deterministic_execution": True,
        # Without an algorithm the core warns of a legacy contract. Its factors are the inputs; nobody weighted them.
        "algorithm": {
            "algorithm_type": blueprint.logic.function,
            "factors": {
                name: {"weight": weight, "calculation_method": "input"}
                for name, weight in zip(names, weights, strict=True)
            },
        },
        "event_type": _event_type(blueprint, "computed"),
    }
    if "caching" in blueprint.features:
        part["caching"] = {"version": dict(_VERSION)}
    return part


def _reducer(blueprint: NodeBlueprint) -> dict[str, Any]:
    machine = f"{blueprint.snake}_fsm"
    return {
        "reduction_operations": [
            {"operation_type": "aggregate", "reduction_function": f.name} for f in blueprint.output_model.fields
        ],
        "state_machine": {
            "version": dict(_VERSION),
            "state_machine_name": machine,
            "state_machine_version": dict(_VERSION),
            "description": f"Life of one reduction of {blueprint.stem}.",
            "initial_state": "idle",
            "terminal_states": ["reduced"],
            "states": [_state("idle", "operational"), _state("reduced", "terminal")],
            "transitions": [
                {
                    "version": dict(_VERSION),
                    "transition_name": "reduce",
                    "from_state": "idle",
                    "to_state": "reduced",
                    "trigger": "process",
                }
            ],
        },
        "aggregation": {
            "version": dict(_VERSION),
            "aggregation_functions": _aggregation_functions(blueprint),
        },
        "state_management": {"version": dict(_VERSION)},
        "event_type": _event_type(blueprint, "reduced"),
    }


_AGGREGATIONS = {
    "sum": ("total", "sum", "totals"),
    "count": ("count", "counts"),
    "avg": ("average", "avg", "mean"),
    "min": ("min", "minimum", "lowest", "smallest"),
    "max": ("max", "maximum", "highest", "largest"),
    "unique_count": ("unique", "distinct"),
}


def _aggregation_functions(blueprint: NodeBlueprint) -> list[str]:
    """The core's own names for what the output fields are; a combination when none fits."""
    said = {word for f in blueprint.output_model.fields for word in f.name.split("_")}
    return [name for name, words in _AGGREGATIONS.items() if said.intersection(words)] or ["result_combine"]


def _state(name: str, state_type: str) -> dict[str, Any]:
    state: dict[str, Any] = {
        "version": dict(_VERSION),
        "state_name": name,
        "state_type": state_type,
        "description": name,
    }
    if state_type == "terminal":
        state |= {"is_terminal": True, "is_recoverable": False}
    return state


def _orchestrator(blueprint: NodeBlueprint) -> dict[str, Any]:
    is_parallel = len(blueprint.steps) > 1 and not any(step.depends_on for step in blueprint.steps)
    return {
        "workflow_coordination": {
            "execution_mode": "parallel" if is_parallel else "sequential",
            "timeout_ms": _max_ms(blueprint),
        }
    }


_KIND_PARTS = {
    NodeKind.EFFECT: _effect,
    NodeKind.COMPUTE: _compute,
    NodeKind.REDUCER: _reducer,
    NodeKind.ORCHESTRATOR: _orchestrator,
}
