"""What sections of all kinds share: versions, limits, dependencies."""

import re
from typing import Any

from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.request.model import NodeKind

# Longest time of one operation where the request says nothing.
_DEFAULT_MAX_MS = {
    NodeKind.COMPUTE: 1_000,
    NodeKind.REDUCER: 5_000,
    NodeKind.EFFECT: 30_000,
    NodeKind.ORCHESTRATOR: 300_000,
}
_MIN_TIMEOUT_MS = 100


def version() -> dict[str, int]:
    """1.0.0 as the core wants it; a fresh one, so that YAML writes no anchors."""
    return {"major": 1, "minor": 0, "patch": 0}


def operation_max_ms(blueprint: NodeBlueprint) -> int:
    """Longest time of one operation: as the request says, else the kind's default."""
    hints = blueprint.contract_hints
    return hints.operation_max_ms or hints.timeout_ms or _DEFAULT_MAX_MS[blueprint.kind]


def performance(blueprint: NodeBlueprint) -> dict[str, Any]:
    """The limits the request states, and always the longest time of one operation."""
    hints = blueprint.contract_hints
    stated = {
        "single_operation_max_ms": operation_max_ms(blueprint),
        "memory_limit_mb": hints.memory_limit_mb,
        "throughput_min_ops_per_second": hints.throughput_min_ops_per_second,
    }
    if hints.timeout_ms and blueprint.kind is NodeKind.EFFECT:
        limit = "database_query_timeout_ms" if blueprint.flavour == "postgresql" else "external_service_timeout_ms"
        stated[limit] = max(_MIN_TIMEOUT_MS, hints.timeout_ms)
    return {name: value for name, value in stated.items() if value is not None}


def dependencies(blueprint: NodeBlueprint) -> list[dict[str, Any]]:
    """Client libraries and environment variables the node needs."""
    libraries = [
        {
            "name": re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0],
            "dependency_type": "external",
            "description": requirement,
        }
        for requirement in blueprint.requirements
    ]
    variables = [
        {"name": name, "dependency_type": "environment", "env_var": name, "description": meaning}
        for name, meaning in blueprint.environment.items()
    ]
    return [*libraries, *variables]


def tags(blueprint: NodeBlueprint) -> list[str]:
    """Domain, kind and systems, sorted."""
    systems = (system.lower().replace(" ", "_").replace("/", "_") for system in blueprint.external_systems)
    return sorted({blueprint.domain, blueprint.kind.value.lower(), *systems})
