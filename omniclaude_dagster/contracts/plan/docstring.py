"""The docstring of a function that a request spells out: its own words, wrapped, and doctests where they are short."""

import re
import textwrap
from collections.abc import Sequence
from typing import Any

from omniclaude_dagster.request.model import Example, SignatureHint

_LINE_CHARS = 100
_MAX_DOCTESTS = 3
_DOCTEST_CHARS = 90
_ASKS_FOR_NODE = re.compile(
    r"^\s*(?:please\s+)?(?:(?:create|generate|build|make|implement|write|add)\s+)?(?:an?\s+|the\s+)?(?:new\s+)?"
    r"(?:onex\s+)?(?:compute\s+)?node:?\s*(?:(?:called|named)\s+\w+)?\s*(?:that|which|to|for)?(?:[\s:,;]+|$)",
    re.IGNORECASE,
)


def function_docstring(
    hint: SignatureHint, examples: Sequence[Example], *, fallback: str, gives_fraction: bool = False
) -> str:
    """Lines without indentation. Plain text: the renderer escapes it. `gives_fraction`: 2 is computed as 2.0."""
    words = hint.docstring.strip() or _task(fallback, hint.function)
    lines = [part for line in words.splitlines() for part in _wrapped(line)]
    if ">>>" not in words:
        shown = _doctests(hint, examples, gives_fraction)
        lines += ["", *shown] if shown else []
    return "\n".join(lines).strip()


def _task(description: str, function: str) -> str:
    """`A COMPUTE node that adds two numbers; add(2,3) returns 5` -> `Adds two numbers.`."""
    task = _ASKS_FOR_NODE.sub("", description)
    shown = re.search(
        rf"[\s;:,.(]*(?:\b(?:e\.g\.|for example|such as|like|so)\W*)?\b(?:def )?{re.escape(function)} ?\(", task
    )
    task = task[: shown.start()].strip() if shown else task.strip()
    task = task or f"Compute {function.replace('_', ' ').strip()}"
    return f"{task[:1].upper()}{task[1:].rstrip('.')}."


def _wrapped(line: str) -> list[str]:
    if len(line) <= _LINE_CHARS or line.lstrip().startswith(">>>"):
        return [line.rstrip()]
    indent = line[: len(line) - len(line.lstrip())][:20]
    return textwrap.wrap(line, _LINE_CHARS, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _doctests(hint: SignatureHint, examples: Sequence[Example], gives_fraction: bool) -> list[str]:
    """Calls with their results; none where the function takes or gives what JSON writes in another way."""
    types = " ".join([*(p.annotation or "" for p in hint.parameters), hint.returns or ""]).lower()
    if any(word in types for word in ("tuple", "set", "dict", "bytes", "date", "uuid", "decimal")):
        return []
    lines: list[str] = []
    for example in examples:
        if example.output is None or not all(p.name in example.input or p.default for p in hint.parameters):
            continue
        given = [_argument(p.name, example, hint) for p in hint.parameters if p.name in example.input]
        value: Any = next(iter(example.output.values()))
        shown = f">>> {hint.function}({', '.join(given)})", repr(float(value) if gives_fraction else value)
        is_short = max(map(len, shown)) <= _DOCTEST_CHARS and "\\" not in "".join(shown)
        if is_short and len(lines) < 2 * _MAX_DOCTESTS:
            lines += shown
    return lines


def _argument(name: str, example: Example, hint: SignatureHint) -> str:
    """By place while every parameter before it is given, else by name."""
    before = [p.name for p in hint.parameters]
    is_placed = all(n in example.input for n in before[: before.index(name)])
    value: Any = example.input[name]
    return repr(value) if is_placed else f"{name}={value!r}"
