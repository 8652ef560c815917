"""Python written inside a prompt, read without ever executing it: `ast` only, bounded, and quiet about what is none.

Knows nothing of requests; `signature.py` and `shown_calls.py` look for meaning in what is read here.
"""

import ast
import re
import warnings
from typing import Any

# No function, call or value of a prompt is looked at beyond this, so that reading stays linear in the prompt.
MAX_SPAN_CHARS = 3000
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?(?![\w])")
_WORD = re.compile(r"(?:True|False|None|true|false)\b")
_STRING_START = re.compile(r"[rRbBuU]{0,2}(?='|\")")
_UNREADABLE = (SyntaxError, ValueError, TypeError, RecursionError, MemoryError)


class NotPythonError(ValueError):
    """The text is not what was looked for."""


def module_of(source: str) -> ast.Module:
    """The syntax tree of a whole text. Raises NotPythonError."""
    try:
        with warnings.catch_warnings():
            # An escape such as `\d` in somebody's docstring is no concern of this process.
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except _UNREADABLE as exc:
        raise NotPythonError("not a Python module") from exc


def expression_of(source: str) -> ast.expr:
    """The syntax tree of one expression; line breaks in it are allowed. Raises NotPythonError."""
    body = module_of(f"({source}\n)").body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise NotPythonError("not one expression")
    return body[0].value


def literal_of(node: ast.expr) -> Any:
    """The value of a literal. Raises NotPythonError for anything else: nothing is evaluated."""
    try:
        return ast.literal_eval(node)
    except _UNREADABLE as exc:
        raise NotPythonError("not a literal") from exc


def closing(text: str, start: int) -> int:
    """The place after the bracket that closes the one at `start`. Raises NotPythonError when there is none."""
    waiting: list[str] = []
    position, end = start, min(len(text), start + MAX_SPAN_CHARS)
    while position < end:
        char = text[position]
        if char in "'\"":
            position = end_of_string(text, position)
            continue
        if char == "#":
            position = _end_of_line(text, position)
            continue
        if char in _CLOSING:
            waiting.append(_CLOSING[char])
        elif char in ")]}":
            if not waiting or waiting.pop() != char:
                break
            if not waiting:
                return position + 1
        position += 1
    raise NotPythonError("the bracket is not closed")


def end_of_string(text: str, start: int) -> int:
    """The place after the string whose first quote is at `start`. Raises NotPythonError when it is not closed."""
    quote = text[start] * 3 if text.startswith(text[start] * 3, start) else text[start]
    position, end = start + len(quote), min(len(text), start + MAX_SPAN_CHARS)
    while position < end:
        if text[position] == "\\":
            position += 2
        elif text.startswith(quote, position):
            return position + len(quote)
        elif text[position] == "\n" and len(quote) == 1:
            break
        else:
            position += 1
    raise NotPythonError("the string is not closed")


def literal_at(text: str, start: int) -> tuple[Any, int]:
    """The literal that begins at `start`, and the place after it. Raises NotPythonError."""
    end = _literal_end(text, start)
    written = text[start:end]
    if written in {"true", "false"}:
        return written == "true", end
    return literal_of(expression_of(written)), end


def _literal_end(text: str, start: int) -> int:
    first = text[start : start + 1]
    if first and first in _CLOSING:
        return closing(text, start)
    prefix = _STRING_START.match(text, start)
    if prefix:
        return end_of_string(text, prefix.end())
    plain = _NUMBER.match(text, start) or _WORD.match(text, start)
    if plain is None:
        raise NotPythonError("no literal begins here")
    return plain.end()


def _end_of_line(text: str, start: int) -> int:
    found = text.find("\n", start)
    return len(text) if found < 0 else found
