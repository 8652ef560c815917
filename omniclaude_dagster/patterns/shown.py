"""Makes a pattern fit to be shown to a model. What a stored text could do to a prompt is stopped here.

A pattern holds text of people, models and other services, so any of it may try to give orders ("ignore the rules"),
to close the block it stands in, or to imitate the markers of a chat. Shown are only: the task in one cleaned line,
names and types of fields, and code; types and code are rebuilt from their syntax trees, without docstrings, comments
and long texts. What still looks like an order is not shown at all. Nothing here decides whether code is good: gates do.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from omniclaude_dagster.patterns.model import Pattern
from omniclaude_dagster.request.understanding.summary import task_sentence

MAX_TASK_CHARS = 300
MAX_CODE_CHARS = 1500
MAX_TEXT_CONSTANT_CHARS = 80
_MAX_NAME_CHARS = 64
_MAX_TYPE_CHARS = 160
_MAX_FIELDS = 24
# What a type is made of: `dict[str, float] | None`, `Literal['a', 'b']`, `datetime.date`.
_TYPE_NODES = (
    ast.Expression, ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.List, ast.BinOp, ast.BitOr, ast.Constant,
    ast.UnaryOp, ast.USub, ast.Load,
)  # fmt: skip

# Markers of chat formats and of blocks that a prompt is made of.
_MARKERS = re.compile(r"<\|[^|>]{0,40}\|>|</?s>|\[/?INST\]|<</?SYS>>|```|~~~|\"\"\"|'''|#{3,}", re.IGNORECASE)
_ORDERS = re.compile(
    r"\b(ignore|disregard|forget|override|bypass)\b.{0,40}\b(previous|above|earlier|prior|all|any|the)\b.{0,40}"
    r"\b(instructions?|rules?|prompts?|messages?|gates?|checks?|examples?)\b"
    r"|\b(system|developer)\s+(prompt|message|instructions?)\b"
    r"|\byou\s+(are|act)\s+(now|as)\b"
    r"|\b(reveal|print|send|exfiltrate|leak)\b.{0,40}\b(secrets?|keys?|tokens?|passwords?|environment|env)\b"
    r"|^\s*(system|assistant|user)\s*:",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class ShownPattern:
    """What of a pattern a model may see. `code` holds no docstring, no comment and no long text.

    `inputs` and `outputs`: names of fields with their types, rebuilt.
    """

    pattern: Pattern
    task: str
    code: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


def shown_pattern(pattern: Pattern) -> ShownPattern | None:
    """The pattern as a model may see it, or None where it cannot be made harmless or short enough."""
    if looks_like_orders(pattern.description):
        return None
    task = one_clean_line(task_sentence(pattern.description))
    code = _rebuilt(pattern.code)
    inputs, outputs = _fields(pattern.inputs), _fields(pattern.outputs)
    names = [pattern.function, pattern.input_class, pattern.output_class]
    if not task or code is None or inputs is None or outputs is None or not all(map(_is_plain_name, names)):
        return None
    return ShownPattern(pattern, task, code, inputs, outputs)


def looks_like_orders(text: str) -> bool:
    """Whether a text reads like orders to a model, or imitates a chat."""
    return bool(_ORDERS.search(text) or re.search(r"<\|[^|>]{0,40}\|>|\[/?INST\]|<</?SYS>>", text))


def one_clean_line(text: str, *, max_chars: int = MAX_TASK_CHARS) -> str:
    """The text on one line, without control characters, quotes of blocks and markers of chats; cut where it is long."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(_MARKERS.sub(" ", printable).split())[:max_chars].rstrip()


def _rebuilt(code: str) -> str | None:
    try:
        module = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    _drop_docstrings(module)
    if any(not _is_harmless(node) for node in ast.walk(module)):
        return None
    text = ast.unparse(module)
    return text if len(text) <= MAX_CODE_CHARS else None


def _drop_docstrings(module: ast.Module) -> None:
    for node in ast.walk(module):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        # Not only the first statement: a text that stands anywhere on its own is a comment.
        kept = [s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
        body[:] = kept or [ast.Pass()]


def _is_harmless(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
        is_short = len(text) <= MAX_TEXT_CONSTANT_CHARS
        return is_short and not _MARKERS.search(text) and not looks_like_orders(text)
    return all(_is_harmless_name(name) for name in _names_in(node))


def _names_in(node: ast.AST) -> Iterator[str]:
    """Every name that the node itself holds, whatever its field is called: of a variable, a parameter, a module ..."""
    if isinstance(node, ast.Constant):
        return
    for _, value in ast.iter_fields(node):
        yield from (text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str))


def _is_harmless_name(name: str) -> bool:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_.]", " ", name)
    return len(name) <= _MAX_NAME_CHARS and not looks_like_orders(words)


def _is_plain_name(name: str) -> bool:
    return name.isidentifier() and _is_harmless_name(name)


def _fields(types: Mapping[str, str]) -> dict[str, str] | None:
    """Names with rebuilt types; None where one of them is no plain name or no type, or there are too many."""
    rebuilt = {name: _type(text) for name, text in types.items() if _is_plain_name(name)}
    if len(rebuilt) != len(types) or len(types) > _MAX_FIELDS:
        return None
    found = {name: text for name, text in rebuilt.items() if text is not None}
    return found if len(found) == len(types) else None


def _type(text: str) -> str | None:
    try:
        expression = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if any(not isinstance(node, _TYPE_NODES) or not _is_harmless(node) for node in ast.walk(expression)):
        return None
    rebuilt = ast.unparse(expression)
    return rebuilt if len(rebuilt) <= _MAX_TYPE_CHARS else None
