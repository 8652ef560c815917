"""Compares what a node answered with what an example demands. Runs outside the sandbox: the candidate never sees it."""

import math
from collections.abc import Iterator
from typing import Any

RELATIVE_TOLERANCE = 1e-9
ABSOLUTE_TOLERANCE = 1e-12
MAX_DIFFERENCES = 3


def differences(expected: Any, actual: Any, *, place: str = "output") -> list[str]:
    """The first differences in words; empty when `actual` fulfils `expected`.

    At the top level, fields that the example does not name are allowed. Everywhere below, keys must be the same.
    Numbers agree within a relative tolerance of 1e-9; a bool is never a number; 1 and 1.0 are the same number.
    """
    found: list[str] = []
    for difference in _walk(expected, actual, place, is_top=True):
        found.append(difference)
        if len(found) == MAX_DIFFERENCES:
            break
    return found


def _walk(expected: Any, actual: Any, place: str, *, is_top: bool = False) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        yield from _mapping(expected, actual, place, is_top=is_top)
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            yield f"{place} has {len(actual)} items instead of {len(expected)}"
            return
        for number, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from _walk(one, other, f"{place}[{number}]")
    elif not _is_same_scalar(expected, actual):
        yield f"{place} is {_shown(actual)} instead of {_shown(expected)}"


def _mapping(expected: dict[str, Any], actual: dict[str, Any], place: str, *, is_top: bool) -> Iterator[str]:
    for key, value in expected.items():
        if key in actual:
            yield from _walk(value, actual[key], f"{place}.{key}")
        else:
            yield f"{place} has no {key!r}"
    if not is_top:
        for key in actual.keys() - expected.keys():
            yield f"{place} has an unexpected {key!r}"


def _is_same_scalar(expected: Any, actual: Any) -> bool:
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, int | float) and isinstance(actual, int | float):
        if isinstance(expected, int) and isinstance(actual, int):
            return expected == actual
        try:
            return math.isclose(expected, actual, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
        except OverflowError:
            return False
    return type(expected) is type(actual) and bool(expected == actual)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
