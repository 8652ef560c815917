"""Regular expressions of a schema: which of the two engines of a generated model can read them.

Pydantic's own engine (Rust) is safe against slow patterns but knows no lookaround; Python's knows it.
"""

import re
import warnings
from collections.abc import Callable

from pydantic_core import SchemaError, SchemaValidator, ValidationError

Note = Callable[[str], None]


def usable_pattern(pattern: str, note: Note) -> str | None:
    """The pattern, if one of the two engines can read it; a note says when it is only Python's."""
    if is_rust_pattern(pattern):
        return pattern
    if is_python_pattern(pattern):
        note("the pattern needs Python's regular expressions, which can be slow on hostile text")
        return pattern
    note(f"the pattern {pattern[:60]!r} is no regular expression that Python or Rust can read; it is not checked")
    return None


def is_rust_pattern(pattern: str) -> bool:
    """Whether Pydantic's own engine reads it: no lookaround, no references back."""
    try:
        SchemaValidator({"type": "str", "pattern": pattern})
    except (SchemaError, ValueError):
        return False
    return True


def is_python_pattern(pattern: str) -> bool:
    """Whether Python's engine reads it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError, Warning):
            return False
    return True


def rust_finds(pattern: str, text: str) -> bool:
    """Whether Pydantic's engine finds the pattern in a text."""
    try:
        SchemaValidator({"type": "str", "pattern": pattern}).validate_python(text)
    except ValidationError:
        return False
    return True
