"""Gives the inputs of MBPP+ the types that JSON took from them: which task wants tuples, sets or complex numbers.

The table of tasks is part of the data set's definition (EvalPlus, MBPP+).
"""

from collections.abc import Callable
from typing import Any

Arguments = list[Any]
Restore = Callable[[Arguments], Arguments]


def restored(task_id: str, inputs: list[Arguments]) -> list[Arguments]:
    """The inputs of one task with their real types. Raises TypeError or ValueError when they do not fit its table."""
    number = int(task_id.rsplit("/", 1)[-1])
    restore = _BY_TASK.get(number)
    return [restore(arguments) for arguments in inputs] if restore else inputs


def _tuples(items: Any) -> list[Any]:
    return [tuple(item) for item in items]


def _each_argument(arguments: Arguments) -> Arguments:
    return _tuples(arguments)


def _inside_each_argument(arguments: Arguments) -> Arguments:
    return [_tuples(argument) for argument in arguments]


def _inside_first_argument(arguments: Arguments) -> Arguments:
    return [_tuples(arguments[0]), *arguments[1:]]


def _first_argument(arguments: Arguments) -> Arguments:
    return [tuple(arguments[0]), *arguments[1:]]


def _second_argument(arguments: Arguments) -> Arguments:
    return [arguments[0], tuple(arguments[1])]


def _both_levels(arguments: Arguments) -> Arguments:
    return [tuple(_tuples(argument)) for argument in arguments]


def _lists_in_first_argument(arguments: Arguments) -> Arguments:
    return [tuple(tuple(item) if isinstance(item, list) else item for item in arguments[0])]


def _values_of_first_argument(arguments: Arguments) -> Arguments:
    return [{key: tuple(value) for key, value in arguments[0].items()}, *arguments[1:]]


def _sets_in_first_argument(arguments: Arguments) -> Arguments:
    return [[set(item) if isinstance(item, list) and item else {} for item in arguments[0]]]


def _every_level(arguments: Arguments) -> Arguments:
    return [_frozen(argument) for argument in arguments]


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


_TABLE: tuple[tuple[Restore, str], ...] = (
    (_each_argument, "2 116 132 143 222 261 273 394 399 421 424 429 470 560 579 596 616 630 726 740 744 809"),
    (_inside_each_argument, "63 64 70 94 120 237 272 299 400 409 417 438 473 614 780"),
    (_inside_first_argument, "75 413 444 753"),
    (_second_argument, "106 750"),
    (_sets_in_first_argument, "115"),
    (lambda arguments: [float(arguments[0]), complex(arguments[1])], "124"),
    (_first_argument, "250 307 405 446 617 720 763 808"),
    (lambda arguments: [complex(arguments[0])], "252"),
    (_both_levels, "259 401 445"),
    (_lists_in_first_argument, "278"),
    (_values_of_first_argument, "722"),
    (_every_level, "580 615 791"),
)
_BY_TASK: dict[int, Restore] = {int(number): restore for restore, numbers in _TABLE for number in numbers.split()}
