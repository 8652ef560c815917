"""The gates as asset checks, one a gate and partition: a check reports what a gate has said, and decides nothing.

The checks are not blocking for Dagster: what a blocking gate forbids is already not published, and a check must
never keep a neighbour in the same run from anything.
"""

import warnings
from collections.abc import Iterator

import dagster as dg
from dagster_shared.utils.warnings import PreviewWarning

from omniclaude_dagster.defs.partitions import NODE_ASSET, REQUESTS
from omniclaude_dagster.gates.registry import GATES, Gate
from omniclaude_dagster.stages.model import GenerationResult


def check_name(gate_id: str) -> str:
    """Name of a gate's check: Dagster allows letters, digits and underscores."""
    return gate_id.replace("-", "_")


def gate_check_specs() -> list[dg.AssetCheckSpec]:
    """One check a gate."""
    with warnings.catch_warnings():
        # Checks by partition are a preview in 1.13; without them one request would hide another's gates.
        warnings.simplefilter("ignore", PreviewWarning)
        return [_spec(gate) for gate in GATES]


def _spec(gate: Gate) -> dg.AssetCheckSpec:
    strict = " in mode strict" if gate.is_blocking_when_strict else ""
    forbids = f"A failure forbids publishing{strict}." if gate.is_blocking or strict else "A failure is a warning."
    return dg.AssetCheckSpec(
        check_name(gate.id),
        asset=NODE_ASSET,
        partitions_def=REQUESTS,
        description=f"{gate.id}, {gate.name} (stage {gate.stage}). {forbids}",
        metadata={"gate": gate.id, "phase": gate.phase, "is_blocking": gate.is_blocking},
    )


def gate_evaluations(result: GenerationResult) -> Iterator[dg.AssetCheckEvaluation]:
    """What the gates said about one generation. One that was skipped or not reached has not passed, and only warns."""
    reached = {said["gate"] for said in result.gates}
    for gate in GATES:
        if gate.id not in reached:
            yield dg.AssetCheckEvaluation(
                asset_key=NODE_ASSET,
                check_name=check_name(gate.id),
                partition=result.request_id,
                passed=False,
                severity=dg.AssetCheckSeverity.WARN,
                description=f"not reached: the generation ended before ({result.status}).",
                metadata={"status": "skipped"},
                blocking=False,
            )
    for said in result.gates:
        is_error = said["status"] == "fail" and said["is_blocking"]
        yield dg.AssetCheckEvaluation(
            asset_key=NODE_ASSET,
            check_name=check_name(said["gate"]),
            partition=result.request_id,
            passed=said["status"] in {"pass", "warn"},
            severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
            description=said["message"] or said["status"],
            blocking=False,
            metadata={
                "status": said["status"],
                "duration_ms": said["duration_ms"],
                "forbids_publishing": said["is_blocking"],
            },
        )
