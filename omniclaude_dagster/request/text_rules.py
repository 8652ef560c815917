"""What text a request may contain, and how a request's data is checked before the schema looks at it.

Text in any language passes. Characters that hide what a person would read do not: control characters, marks that
turn the direction of text, halves of surrogate pairs.
"""

import math
import unicodedata
from typing import Any

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.request.model import MAX_PROMPT_CHARS, MIN_PROMPT_CHARS

MAX_DEPTH = 64
MAX_INTEGER_DIGITS = 100
_MAX_INTEGER_BITS = 333  # 100 decimal digits
_PLAIN_CONTROLS = "\t\n\r"
_DIRECTION_MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_prompt(text: str) -> None:
    """Refuse a prompt that is empty, too short, too long or not plain text. Raises RequestError."""
    if len(text) > MAX_PROMPT_CHARS:
        raise RequestError(
            f"the prompt is too large (413): {len(text):,} characters; at most {MAX_PROMPT_CHARS:,} are accepted.",
            cure="say what the node does in a few sentences",
        )
    stripped = text.strip()
    if not stripped:
        raise RequestError("the prompt is empty.", cure="say in a sentence what the node does")
    if len(stripped) < MIN_PROMPT_CHARS:
        raise RequestError(
            f"the prompt is too short: {len(stripped)} of at least {MIN_PROMPT_CHARS} characters.",
            cure="say in a sentence what the node does",
        )
    problem = text_problem(text)
    if problem:
        raise RequestError(f"the prompt {problem}.", cure="remove that character")


def text_problem(text: str) -> str | None:
    """What is wrong with the characters of `text`, with the place, or None."""
    if text.isascii() and text.isprintable():
        return None
    for index, character in enumerate(text):
        kind = _forbidden_kind(character)
        if kind:
            line = text.count("\n", 0, index) + 1
            column = index - text.rfind("\n", 0, index)
            return f"contains {kind} (U+{ord(character):04X}) in line {line}, column {column}"
    return None


def data_problem(data: object) -> str | None:
    """What is wrong with parsed data of any origin (`examples[0].input.rate is not a finite number`), or None.

    Looks at depth, numbers, characters, keys and types; walks without recursion, so that depth cannot hurt.
    """
    todo: list[tuple[str, object, int]] = [("", data, 0)]
    while todo:
        path, value, depth = todo.pop()
        problem = f"is nested deeper than {MAX_DEPTH} levels" if depth > MAX_DEPTH else _value_problem(value)
        if problem:
            return f"{_shortened(path) or 'the request'} {problem}"
        if isinstance(value, dict):
            for key in value:
                key_problem = _key_problem(key)
                if key_problem:
                    return f"a key of {_shortened(path) or 'the request'} {key_problem}"
            todo.extend((f"{path}.{key}" if path else key, item, depth + 1) for key, item in reversed(value.items()))
        elif isinstance(value, list):
            todo.extend((f"{path}[{i}]", value[i], depth + 1) for i in reversed(range(len(value))))
    return None


def _forbidden_kind(character: str) -> str | None:
    if character in _DIRECTION_MARKS:
        return "a mark that changes the direction of text"
    category = unicodedata.category(character)
    if category == "Cs":
        return "half of a surrogate pair"
    if category == "Cc" and character not in _PLAIN_CONTROLS:
        return "NUL" if character == "\0" else "a control character"
    return None


def _key_problem(key: Any) -> str | None:
    if not isinstance(key, str):
        return f"is {key!r}, not text; put it in quotes"
    return text_problem(key)


def _value_problem(value: object) -> str | None:
    problem = None
    if isinstance(value, str):
        problem = text_problem(value)
    elif isinstance(value, bool):
        pass
    elif isinstance(value, int):
        if value.bit_length() > _MAX_INTEGER_BITS:
            problem = f"is a whole number of more than {MAX_INTEGER_DIGITS} digits"
    elif isinstance(value, float):
        problem = None if math.isfinite(value) else "is not a finite number"
    elif value is not None and not isinstance(value, dict | list):
        problem = f"is a {type(value).__name__}, which a request cannot hold; put it in quotes"
    return problem


def _shortened(path: str) -> str:
    return path if len(path) <= 80 else f"{path[:40]}...{path[-37:]}"
