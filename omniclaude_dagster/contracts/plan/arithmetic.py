"""Plain arithmetic whose operation the request names with a verb: `adds`, `subtracts`, `the average of`.

The verb alone decides the operation, the examples decide the order of the operands; without examples that hold for
every one of them there is no body. Works on numbers only.
"""

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from omniclaude_dagster.node.blueprint import FieldSpec
from omniclaude_dagster.request.model import Example

_MAX_OPERANDS = 4
_NUMBERS = frozenset({"int", "float"})


@dataclass(frozen=True)
class _Operation:
    """Words that ask for it, how it is written, and how it is computed."""

    words: frozenset[str]
    source: str
    compute: Callable[..., float]
    gives_fraction: bool = False


_OPERATORS = (
    _Operation(frozenset("add adds adding adder addition sum sums plus".split()), "+", lambda a, b: a + b),
    _Operation(frozenset("subtract subtracts minus difference deduct deducts less".split()), "-", lambda a, b: a - b),
    _Operation(frozenset("multiply multiplies multiplier product times".split()), "*", lambda a, b: a * b),
    _Operation(frozenset("divide divides divider division quotient ratio".split()), "/", lambda a, b: a / b, True),
)
_REDUCTIONS = (
    _Operation(frozenset("sum sums total totals add adds".split()), "sum({0})", sum),
    _Operation(frozenset("average averages mean".split()), "sum({0}) / len({0})", lambda v: sum(v) / len(v), True),
    _Operation(frozenset("maximum max largest highest greatest biggest".split()), "max({0})", max),
    _Operation(frozenset("minimum min smallest lowest least".split()), "min({0})", min),
)


@dataclass(frozen=True)
class Arithmetic:
    """The expression over `data`, and whether its result may be fractional though the examples show whole numbers."""

    expression: str
    gives_fraction: bool
    # Sums, differences and products of any numbers exist; quotients, means and extremes do not always.
    is_total: bool


def arithmetic(
    text: str, *, inputs: Sequence[FieldSpec], outputs: Sequence[FieldSpec], examples: Sequence[Example]
) -> Arithmetic | None:
    """The expression that the text names and every example confirms, or None."""
    shown = [e for e in examples if e.output is not None]
    if not shown or len(outputs) != 1 or outputs[0].type not in _NUMBERS:
        return None
    said = frozenset(re.findall(r"[a-z]+", text.lower()))
    if len(inputs) == 1 and inputs[0].type in {"list[int]", "list[float]"}:
        return _reduction(said, inputs[0].name, outputs[0].name, shown)
    if 2 <= len(inputs) <= _MAX_OPERANDS and all(f.type in _NUMBERS for f in inputs):
        return _operator(said, [f.name for f in inputs], outputs[0].name, shown)
    return None


def _only(operations: Sequence[_Operation], said: frozenset[str]) -> _Operation | None:
    """The one operation the text names; two different ones leave it open."""
    named = [operation for operation in operations if operation.words & said]
    return named[0] if len(named) == 1 else None


def _operator(said: frozenset[str], names: list[str], result: str, shown: Sequence[Example]) -> Arithmetic | None:
    operation = _only(_OPERATORS, said)
    if operation is None:
        return None
    for order in itertools.permutations(names):

        def computed(values: Mapping[str, Any], order: tuple[str, ...] = order) -> float:
            total: float = reduce(operation.compute, (values[name] for name in order))
            return total

        if _holds(computed, result, shown):
            source = f" {operation.source} ".join(f"data.{name}" for name in order)
            return Arithmetic(source, operation.gives_fraction, is_total=operation.source != "/")
    return None


def _reduction(said: frozenset[str], name: str, result: str, shown: Sequence[Example]) -> Arithmetic | None:
    operation = _only(_REDUCTIONS, said)
    if operation is None or not _holds(lambda values: operation.compute(values[name]), result, shown):
        return None
    source = operation.source.format(f"data.{name}")
    return Arithmetic(source, operation.gives_fraction, is_total=operation.compute is sum)


def _holds(compute: Callable[[Mapping[str, Any]], float], result: str, shown: Sequence[Example]) -> bool:
    def is_right(example: Example) -> bool:
        expected: Any = (example.output or {})[result]
        return math.isclose(compute(example.input), expected, rel_tol=1e-9, abs_tol=1e-12)

    try:
        return all(is_right(example) for example in shown)
    except (ArithmeticError, KeyError, TypeError, ValueError):
        return False
