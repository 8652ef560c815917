"""When an answer counts as right: the rules of EvalPlus, on plain values, outside the candidate's process.

- Equal in Python's own sense: 1, 1.0 and True are equal; a tuple is not a list; a set has no order; NaN equals
  nothing.
- Where the data set gives a tolerance, or the expected value is a float or a flat list or tuple of floats (then 1e-6),
  an unequal answer of the same type counts when every number is within `tolerance + 1e-7 * |expected|`; NaN agrees
  with NaN there, and an infinity with itself.
- A few tasks have an oracle of their own, because several answers are right.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from omniclaude_dagster.benchmark.typed_values import Opaque

FLOAT_TOLERANCE = 1e-6
RELATIVE_TOLERANCE = 1e-7
_SET_EQUAL = frozenset(
    "similar_elements find_char_long common_in_nested_lists extract_singly larg_nnum intersection_array "
    "find_dissimilar Diff".split()
)
_NOT_NONE = frozenset({"check_str", "text_match_three", "text_starta_endb"})
# One constant answer for every input is also accepted: the task's text admits it.
_CONSTANT_ACCEPTED = {"are_equivalent": True, "sum_div": 0}

Oracle = Callable[[Sequence[Any], Any, Any], bool]
"""Whether an answer is right: arguments, expected, answer."""


def first_wrong(
    entry_point: str,
    *,
    inputs: Sequence[Sequence[Any]],
    expected: Sequence[Any],
    answers: Sequence[Any],
    tolerance: float,
    is_mbpp: bool,
) -> int | None:
    """Position of the first answer that is not right; None when all are. `answers` may be fewer than expected."""
    constant = _CONSTANT_ACCEPTED.get(entry_point) if is_mbpp else None
    if constant is not None and answers and all(_is_equal(a, constant) for a in answers):
        return None
    is_right = oracle_of(entry_point, tolerance=tolerance, is_mbpp=is_mbpp)
    for number, (given, wanted, answer) in enumerate(zip(inputs, expected, answers, strict=False)):
        if not is_right(given, wanted, answer):
            return number
    return None


def oracle_of(entry_point: str, *, tolerance: float, is_mbpp: bool) -> Oracle:
    """The rule of one task."""
    if is_mbpp and entry_point in _SET_EQUAL:
        return lambda _, wanted, answer: _is_equal_set(wanted, answer)
    if is_mbpp and entry_point in _NOT_NONE:
        return lambda _, wanted, answer: _is_equal(_truth(answer), _truth(wanted))
    if not is_mbpp and entry_point == "find_zero":
        # Where the numbers are large the best root a float can hold is off by more than the tolerance.
        return lambda given, wanted, answer: (
            agrees(wanted, answer, tolerance=tolerance) or _is_root(given[0], answer, tolerance=tolerance)
        )
    return lambda _, wanted, answer: agrees(wanted, answer, tolerance=tolerance)


def agrees(expected: Any, answer: Any, *, tolerance: float) -> bool:
    """The general rule."""
    if _is_equal(expected, answer):
        return True
    allowed = tolerance or (FLOAT_TOLERANCE if _is_floats(expected) else 0.0)
    return allowed > 0 and type(answer) is type(expected) and _is_close(expected, answer, allowed)


def _is_equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except RecursionError:
        return False


def _is_close(expected: Any, answer: Any, tolerance: float) -> bool:
    if isinstance(expected, list | tuple):
        if not isinstance(answer, list | tuple) or len(answer) != len(expected):
            return False
        return all(_is_close(e, a, tolerance) for e, a in zip(expected, answer, strict=True))
    if not _is_number(expected) or not _is_number(answer):
        return False
    try:
        wanted, got = float(expected), float(answer)
    except OverflowError:
        return bool(expected == answer)
    if math.isnan(wanted) or math.isnan(got):
        return math.isnan(wanted) and math.isnan(got)
    if math.isinf(wanted) or math.isinf(got):
        return wanted == got
    return abs(got - wanted) <= tolerance + RELATIVE_TOLERANCE * abs(wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _is_floats(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(isinstance(item, float) for item in value)
    return isinstance(value, float)


def _is_equal_set(expected: Any, answer: Any) -> bool:
    try:
        return set(expected) == set(answer)
    except TypeError:
        return False


def _truth(value: Any) -> Any:
    """A match object or None, or the truth value it stands for."""
    return value if isinstance(value, bool) else value is not None


def _is_root(coefficients: Any, answer: Any, *, tolerance: float) -> bool:
    if isinstance(answer, Opaque) or not _is_number(answer):
        return False
    try:
        return bool(abs(sum(c * math.pow(answer, power) for power, c in enumerate(coefficients))) <= tolerance)
    except (OverflowError, ValueError):
        return False
