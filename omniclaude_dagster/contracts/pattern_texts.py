"""Makes a text that a regular expression finds, from the parts the expression is made of; for samples."""

import re
from re import _parser  # type: ignore[attr-defined]  # no public reader of patterns exists
from typing import Any


class NoSampleError(ValueError):
    """No value can be made for a schema."""


def text_matching(pattern: str, *, low: int = 0, high: int | None = None) -> str:
    """A text that a pattern finds."""
    for repeat in (0, 1, 2, max(low, 3)):
        try:
            text = _generated(_parser.parse(pattern), repeat)
        except (re.error, NoSampleError, IndexError, StopIteration, OverflowError) as exc:
            raise NoSampleError(f"no text was found for the pattern {pattern[:60]!r}: {exc}") from None
        if re.search(pattern, text) and low <= len(text) <= (len(text) if high is None else high):
            return text
    raise NoSampleError(f"no text was found for the pattern {pattern[:60]!r}")


def _generated(parsed: Any, repeat: int) -> str:
    return "".join(_piece(str(operation), argument, repeat) for operation, argument in parsed)


def _piece(operation: str, argument: Any, repeat: int) -> str:
    if operation == "LITERAL":
        return chr(argument)
    if operation == "NOT_LITERAL":
        return "b" if argument == ord("a") else "a"
    if operation == "ASSERT":
        # What must follow is written out; the pattern is tried with the result.
        return _generated(argument[1], repeat)
    if operation in {"AT", "ASSERT_NOT"}:
        return ""
    if operation == "IN":
        return _from_class(argument)
    if operation == "BRANCH":
        return _generated(argument[1][0], repeat)
    if operation == "SUBPATTERN":
        return str(_generated(argument[-1], repeat))
    if operation in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        least, most, inner = argument
        return str(str(_generated(inner, repeat)) * min(max(least, repeat), int(most), 10_000))
    if operation == "ANY":
        return "a"
    raise NoSampleError(f"it uses {operation.lower()}")


def _from_class(items: Any) -> str:
    tests = [(str(operation), argument) for operation, argument in items]
    is_negated = tests[0][0] == "NEGATE"

    def holds(letter: str) -> bool:
        return any(_in_class(letter, operation, argument) for operation, argument in tests[is_negated:])

    letters = "aA0-_ .,:/@x" + "".join(map(chr, range(33, 1024)))
    return next((letter for letter in letters if holds(letter) != is_negated), "")


def _in_class(letter: str, operation: str, argument: Any) -> bool:
    if operation == "LITERAL":
        return bool(ord(letter) == argument)
    if operation == "RANGE":
        return bool(argument[0] <= ord(letter) <= argument[1])
    name = str(argument)
    found = {"DIGIT": letter.isdigit(), "SPACE": letter.isspace(), "WORD": letter.isalnum() or letter == "_"}
    return found.get(name.rpartition("_")[2], False) != ("NOT" in name)
