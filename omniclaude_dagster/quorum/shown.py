"""Untrusted text made fit to stand in a question to a model, in shapes that it cannot leave. Pure.

A text is shown as one line of JSON, or as numbered lines. Whatever it holds, every line of it starts with a quote, a
bracket, or a number and a bar, and nothing in it is invisible; so it can neither end its block nor imitate a heading.
"""

import json
import re
from collections.abc import Sequence

MAX_LINE_CHARS = 160
# As Python counts lines: other characters that some count as ends of lines are written as escapes.
_LINE_END = re.compile(r"\r\n|\r|\n")


def json_text(text: str, *, max_chars: int) -> str:
    """The text as one JSON string; cut, and then it says so behind the string. At most `max_chars` characters."""
    encoded = [_escaped(c) for c in text]
    if sum(map(len, encoded)) + 2 <= max_chars:
        return f'"{"".join(encoded)}"'
    note = f" (cut: the first part of {len(text)} characters)"
    left = max_chars - len(note) - 2
    kept: list[str] = []
    for piece in encoded:
        left -= len(piece)
        if left < 0:
            break
        kept.append(piece)
    return f'"{"".join(kept)}"{note}'


def json_row(values: Sequence[str], *, max_value_chars: int) -> str:
    """Short texts as one JSON array."""
    return f"[{', '.join(_json_short(value, max_value_chars) for value in values)}]"


def rows_within(rows: Sequence[str], *, max_chars: int) -> str:
    """As many whole rows as there is room for, and how many are left out."""
    if len("\n".join(rows)) <= max_chars:
        return "\n".join(rows)
    kept: list[str] = []
    note = f"(cut: {len(rows)} of {len(rows)} rows are not shown)"
    left = max_chars - len(note)
    for row in rows:
        left -= len(row) + 1
        if left < 0:
            break
        kept.append(row)
    return "\n".join([*kept, f"(cut: {len(rows) - len(kept)} of {len(rows)} rows are not shown)"])


def numbered(text: str, *, max_chars: int) -> str:
    """The lines with their numbers: `  12| return x`; from the first on, and how many are left out."""
    lines = _LINE_END.split(text)
    if lines and not lines[-1]:
        lines.pop()
    width = len(str(len(lines)))
    return rows_within([f"{n:>{width}}| {_line(line)}" for n, line in enumerate(lines, 1)], max_chars=max_chars)


def _line(text: str) -> str:
    shown = "".join(c if c.isprintable() else _escaped(c) for c in text)
    return shown if len(shown) <= MAX_LINE_CHARS else f"{shown[:MAX_LINE_CHARS]} (cut)"


def _json_short(value: str, max_chars: int) -> str:
    return f'"{"".join(_escaped(c) for c in (value if len(value) <= max_chars else value[:max_chars] + "..."))}"'


def _escaped(character: str) -> str:
    """The character inside a JSON string; what cannot be seen as an escape."""
    return json.dumps(character, ensure_ascii=not character.isprintable())[1:-1]
