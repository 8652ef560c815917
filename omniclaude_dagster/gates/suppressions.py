"""Comments that tell a judge to look away: refused, since the node's author is the one being judged.

A comment that names the rule it silences, and why, stays allowed where the rule is about style or a single type.
"""

import io
import re
import tokenize
from collections.abc import Iterator

from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.security_data import TOLERATED_RUFF_SECURITY
from omniclaude_dagster.gates.source import Finding, SourceFile

_TYPE_CHECKER = re.compile(r"#\s*(mypy:|pyright:)")
_BLANKET_IGNORE = re.compile(r"#\s*type:\s*ignore(?!\[)")
_WHOLE_FILE = re.compile(r"#\s*(ruff|flake8):\s*noqa", re.IGNORECASE)
_NOQA = re.compile(r"#\s*noqa(?P<codes>:[\sA-Z0-9,]*)?", re.IGNORECASE)
_SECURITY_CODE = re.compile(r"\bS\d+\b")
_WORDS = ("noqa", "type:", "mypy:", "pyright:")


def silenced_types(ctx: NodeContext) -> Iterator[Finding]:
    """G13: comments that turn the type checker off, for a file or for whatever is wrong in a line."""
    for source in ctx.parsed.python.values():
        for line, comment in _comments(source):
            if _TYPE_CHECKER.match(comment):
                yield Finding(source.path, line, "sets the type checker's options by a comment")
            elif _BLANKET_IGNORE.search(comment) and not source.is_test:
                yield Finding(source.path, line, "ignores every type error of a line; name the one that is meant")


def silenced_security(ctx: NodeContext) -> Iterator[Finding]:
    """G-SEC: comments that turn the linter off for a file or a line, or silence a security rule."""
    for source in ctx.parsed.product:
        for line, comment in _comments(source):
            if _WHOLE_FILE.search(comment):
                yield Finding(source.path, line, "turns the linter off by a comment")
                continue
            found = _NOQA.search(comment)
            if found is None:
                continue
            codes = set(_SECURITY_CODE.findall((found["codes"] or "").upper())) - TOLERATED_RUFF_SECURITY
            if found["codes"] is None:
                yield Finding(source.path, line, "silences every rule of the linter; name the one that is meant")
            elif codes:
                yield Finding(source.path, line, f"silences the security rule {', '.join(sorted(codes))}")


def _comments(source: SourceFile) -> Iterator[tuple[int, str]]:
    """Line and text of each comment; only a file that has one of the words at all is read token by token."""
    text = source.text.lower()
    if not any(word in text for word in _WORDS):
        return
    try:
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    except (tokenize.TokenError, SyntaxError):
        return
