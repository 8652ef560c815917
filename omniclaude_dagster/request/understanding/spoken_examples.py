"""Acceptance examples that stand in a prompt: doctests, asserts and sentences become `Example` objects.

Values become JSON: tuples and sets as lists (a set in order), whole-number keys as text. What JSON cannot hold, and
what is shown two ways, is left out.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import JsonValue

from omniclaude_dagster.request.model import Example
from omniclaude_dagster.request.text_rules import MAX_DEPTH, MAX_INTEGER_DIGITS
from omniclaude_dagster.request.understanding.python_text import NotPythonError, literal_at
from omniclaude_dagster.request.understanding.shown_calls import ShownCall

MAX_EXAMPLES = 50
RESULT = "result"
_INPUT = re.compile(r"\bInput[ \t]*:[ \t]*", re.IGNORECASE)
_OUTPUT = re.compile(r"\s{0,20}Output[ \t]*:[ \t]*", re.IGNORECASE)
_STATED = re.compile(
    r"[^\n]{0,80}?\b(?:the[ ]output[ ](?:should|must|will)[ ]be|(?:should|must|will)[ ]return"
    r"|returns?|the[ ](?:result|output)[ ]is)[ \t]{1,4}(?:the[ ]\w{1,12}[ ])?",
    re.IGNORECASE,
)
_EXAMPLES = re.compile(r"\bexamples?\b", re.IGNORECASE)
_SEPARATOR = re.compile(r"[ \t]*(?:,|and|;)[ \t]*")


class NoJsonError(ValueError):
    """A value that JSON cannot hold."""


def calls_of(calls: Sequence[ShownCall], function: str, *, arity: int, least: int) -> tuple[ShownCall, ...]:
    """The calls of `function`; those of another name when it alone is shown and takes as many arguments."""

    def fits(call: ShownCall) -> bool:
        return least <= len(call.arguments) + len(call.keywords) <= arity

    own = tuple(c for c in calls if c.function == function and fits(c))
    if own or not calls:
        return own
    names = Counter(c.function for c in calls)
    is_misnamed = len(names) == 1 and all(fits(c) for c in calls)
    return tuple(calls) if is_misnamed else ()


def without_explanations(calls: Sequence[ShownCall], text: str) -> tuple[ShownCall, ...]:
    """Without the equations that define a function (`tri(1) = 3`) where its examples show another kind of result."""
    last = max((c.position for c in calls), default=0)
    start = max((heading.end() for heading in _EXAMPLES.finditer(text) if heading.end() <= last), default=0)
    shown = {type(c.value) for c in calls if c.position >= start}
    return tuple(c for c in calls if not 0 < c.position < start or not shown or type(c.value) in shown)


def examples_from_calls(calls: Sequence[ShownCall], parameters: Sequence[str]) -> tuple[Example, ...]:
    """One example a call, in order; inputs that are shown with two different outcomes are left out."""
    gives_tuples = any(isinstance(c.value, tuple) for c in calls)
    return distinct(
        made
        for call in calls
        if call.is_comparable and not (call.is_bracketed and gives_tuples)
        for made in _example(call, parameters)
    )


def distinct(examples: Iterator[Example]) -> tuple[Example, ...]:
    """Examples without repetitions, and without those that contradict each other."""
    by_input: dict[str, Example] = {}
    refused: set[str] = set()
    for example in examples:
        key = repr(sorted(example.input.items()))
        if key in by_input and by_input[key] != example:
            refused.add(key)
        by_input.setdefault(key, example)
    return tuple(e for key, e in by_input.items() if key not in refused)[:MAX_EXAMPLES]


def _example(call: ShownCall, parameters: Sequence[str]) -> Iterator[Example]:
    given = bound(call, parameters)
    if given is None:
        return
    try:
        shown = {name: json_value(value) for name, value in given.items()}
        if call.raises is not None:
            yield Example(input=shown, raises=call.raises)
        else:
            yield Example(input=shown, output={RESULT: json_value(call.value)})
    except NoJsonError:
        return


def bound(call: ShownCall, parameters: Sequence[str]) -> dict[str, Any] | None:
    """Parameter to value, as Python would bind them; None when it could not."""
    if len(call.arguments) > len(parameters):
        return None
    given = dict(zip(parameters, call.arguments, strict=False))
    for name, value in call.keywords:
        if name in given or name not in parameters:
            return None
        given[name] = value
    return given


def assigned_examples(text: str, parameters: Sequence[str]) -> tuple[Example, ...]:
    """`For x = 3, y = 4 the output should be 12`, and `Input: x = 3` with `Output: 9` on the next line."""
    if not parameters:
        return ()
    return distinct(example for found in (_in_sentences, _in_blocks) for example in found(text, parameters))


def _in_sentences(text: str, parameters: Sequence[str]) -> Iterator[Example]:
    for start in re.finditer(rf"\b(?:for|if|given|when)[ ](?={re.escape(parameters[0])}[ ]?=)", text, re.IGNORECASE):
        yield from _assigned(text, start.end(), parameters, _STATED)


def _in_blocks(text: str, parameters: Sequence[str]) -> Iterator[Example]:
    for start in _INPUT.finditer(text):
        named = list(_assigned(text, start.end(), parameters, _OUTPUT))
        yield from named or _unnamed(text, start.end(), parameters)


def _assigned(text: str, start: int, parameters: Sequence[str], outcome: re.Pattern[str]) -> Iterator[Example]:
    given: dict[str, Any] = {}
    position = start
    try:
        for name in parameters:
            assigned = re.compile(rf"{re.escape(name)}[ \t]?=[ \t]?").match(text, position)
            if assigned is None:
                return
            given[name], position = literal_at(text, assigned.end())
            separator = _SEPARATOR.match(text, position)
            position = separator.end() if separator and name != parameters[-1] else position
        yield from _with_result(text, position, given, outcome)
    except NotPythonError:
        return


def _unnamed(text: str, start: int, parameters: Sequence[str]) -> Iterator[Example]:
    if len(parameters) != 1:
        return
    try:
        value, position = literal_at(text, start)
        yield from _with_result(text, position, {parameters[0]: value}, _OUTPUT)
    except NotPythonError:
        return


def _with_result(text: str, position: int, given: dict[str, Any], outcome: re.Pattern[str]) -> Iterator[Example]:
    stated = outcome.match(text, position)
    if stated is None:
        return
    value, stop = literal_at(text, stated.end())
    if re.match(r"\.?[ \t]*(?:\Z|\n|[,;#(])", text[stop:]) is None:
        return
    try:
        shown = {name: json_value(part) for name, part in given.items()}
        yield Example(input=shown, output={RESULT: json_value(value)})
    except NoJsonError:
        return


def json_value(value: Any, depth: int = 0) -> JsonValue:
    """The value as JSON. Raises NoJsonError for bytes, complex numbers, keys that are no text, and the like."""
    if depth > MAX_DEPTH:
        raise NoJsonError("nested too deeply")
    if value is None or isinstance(value, bool | str | int | float):
        return _checked_scalar(value)
    if isinstance(value, list | tuple):
        return [json_value(item, depth + 1) for item in value]
    if isinstance(value, set | frozenset):
        return [json_value(item, depth + 1) for item in in_order(value)]
    if isinstance(value, dict):
        return {key: json_value(item, depth + 1) for key, item in zip(_keys(value), value.values(), strict=True)}
    raise NoJsonError(f"{type(value).__name__} is no JSON")


def in_order(values: set[Any] | frozenset[Any]) -> list[Any]:
    """The members of a set in one order: their own where they have one, else that of their text."""
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=repr)


def _checked_scalar(value: bool | str | float | None) -> JsonValue:
    if isinstance(value, str):
        return _checked_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise NoJsonError("not a finite number")
    if isinstance(value, int) and abs(value) >= 10**MAX_INTEGER_DIGITS:
        raise NoJsonError("too many digits")
    return value


def _checked_text(value: str) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise NoJsonError("half a character") from exc
    return value


def _keys(value: dict[Any, Any]) -> list[str]:
    """Keys as text: all of them text, or all of them whole numbers, so that a type can turn them back."""
    if all(isinstance(key, str) for key in value):
        return [_checked_text(key) for key in value]
    if all(isinstance(key, int) and not isinstance(key, bool) for key in value):
        return [str(key) for key in value]
    raise NoJsonError("keys that are neither all text nor all whole numbers")
