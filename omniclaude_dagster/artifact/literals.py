"""Text and values as pieces of Python source: literals, raw patterns, docstring lines.

Nothing they get can become code.
"""

import json
import re
import textwrap
from collections.abc import Mapping


def python_literal(value: object) -> str:
    """A Python literal on one line; text is double-quoted and pure ASCII."""
    if not isinstance(value, str):
        return repr(value)
    # Not json.dumps alone: it writes a character beyond the first plane as two halves, which Python keeps as halves.
    return json.dumps(value, ensure_ascii=False).encode("ascii", "backslashreplace").decode("ascii")


def python_value(value: object) -> str:
    """JSON data as Python source: text in double quotes, pure ASCII, whatever is nested."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{python_literal(str(k))}: {python_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(python_value, value)) + "]"
    return python_literal(value)


def raw_literal(text: str) -> str:
    """A raw literal for a pattern where one can hold it: one line of printable ASCII without a double quote."""
    is_plain = text.isascii() and text.isprintable() and '"' not in text and not text.endswith("\\")
    return f'r"{text}"' if is_plain else python_literal(text)


def docstring(text: str) -> str:
    """Text that can stand inside triple quotes: one line, no quotes, no backslashes, printable."""
    plain = "".join(c if c.isprintable() else " " for c in text).replace("\\", "/").replace('"', "'")
    return textwrap.shorten(plain, width=88, placeholder="...") or "Generated node."


def enum_member(value: str) -> str:
    """Enum member for a value whose member was not chosen: `select` -> `SELECT`."""
    return re.sub(r"[^A-Z0-9]+", "_", value.upper()).strip("_")
