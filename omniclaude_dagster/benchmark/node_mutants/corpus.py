"""All mutants, by family."""

from collections.abc import Mapping, Sequence
from functools import cache

from omniclaude_dagster.benchmark.node_mutants import (
    behaviour_faults,
    contract_faults,
    logic_faults,
    security_faults,
    shape_faults,
    text_faults,
)
from omniclaude_dagster.benchmark.node_mutants.model import Fault, Mutant

FAMILIES: Mapping[str, Sequence[Fault]] = {
    "syntax": text_faults.SYNTAX,
    "bytes": text_faults.BYTES,
    "files": text_faults.FILES,
    "shape": shape_faults.SHAPE,
    "injected text": shape_faults.INJECTED,
    "imports": shape_faults.IMPORTS,
    "contract": contract_faults.CONTRACT,
    "manifest": contract_faults.MANIFEST,
    "models": contract_faults.MODELS,
    "network": security_faults.NETWORK,
    "secrets": security_faults.SECRETS,
    "execution": security_faults.EXECUTION,
    "types": behaviour_faults.TYPES,
    "shared state": behaviour_faults.STATE,
    "running": behaviour_faults.RUNS,
    "wrong logic": logic_faults.LOGIC,
    "lying tests": logic_faults.TESTS,
}


@cache
def all_mutants() -> tuple[Mutant, ...]:
    """Every mutant, golden ones included, in a fixed order."""
    return tuple(m for family, faults in FAMILIES.items() for fault in faults for m in fault.mutants(family))
