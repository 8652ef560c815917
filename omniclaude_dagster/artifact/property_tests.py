"""tests/test_properties.py of a COMPUTE node whose logic is filled in: what must hold for every valid input.

The node answers every valid input, or refuses it; it does so alike both times, with a result its output model takes,
and leaves the input alone. A total function (`Logic.is_total`) refuses nothing. A function that somebody else wrote
may refuse with ValueError, ArithmeticError, LookupError, ModelOnexError, or with what the request's examples say that
it raises. Any other exception is a crash: the node's own test fails, so gate G-EXEC says so.
"""

from collections.abc import Mapping
from typing import Any

from omniclaude_dagster.artifact.strategies import ALPHABET, strategies_for
from omniclaude_dagster.contracts.annotations import ANY_JSON
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.request.model import NodeKind

MAX_EXAMPLES = 25


def property_context(blueprint: NodeBlueprint) -> Mapping[str, Any] | None:
    """What the template of the test needs; None when the node has no such test."""
    if blueprint.kind is not NodeKind.COMPUTE or blueprint.is_scaffold:
        return None
    is_total = blueprint.logic.is_total
    if not is_total and any(ANY_JSON in type_ for type_ in _narrow_types(blueprint).values()):
        # The request leaves open what a parameter is, so there is no saying which inputs are meant.
        return None
    strategies = strategies_for(blueprint.input_model.fields, types=_narrow_types(blueprint), is_total=is_total)
    if strategies is None:
        return None
    return {
        "strategies": strategies,
        "is_total": is_total,
        "alphabet": ALPHABET,
        "max_examples": MAX_EXAMPLES,
        "declared": sorted({e.raises for e in blueprint.examples if e.raises is not None}),
    }


def framework_symbols(blueprint: NodeBlueprint) -> tuple[str, ...]:
    """What the test imports from the framework."""
    symbols = ("ModelComputeInput", "ModelONEXContainer")
    return symbols if blueprint.logic.is_total else (*symbols, "ModelOnexError")


def _narrow_types(blueprint: NodeBlueprint) -> dict[str, str]:
    """Values of the kinds that were shown, where a field takes more than that."""
    signature = blueprint.signature
    if signature is None or not signature.annotations:
        return {}
    return dict(zip(signature.parameters, signature.annotations, strict=True))
