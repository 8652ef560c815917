"""Calls of a function that a prompt shows together with what comes out: `add(2, 3) returns 5`, doctests, asserts.

Values are Python values read as literals; what is no literal, or ambiguous, is left out rather than guessed.
`spoken_examples.py` turns them into acceptance examples.
"""

import ast
import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from omniclaude_dagster.request.understanding.python_text import (
    NotPythonError,
    closing,
    expression_of,
    literal_at,
    literal_of,
    module_of,
)

MAX_CALLS = 100
_MAX_CANDIDATES = 200
_CALL = re.compile(r"(?:(?<![\w.'\"])|(?<=\"\"\")|(?<='''))([A-Za-z_]\w{0,62})[ \t]?(?=\()", re.ASCII)
_ASSERT = re.compile(r"^[ \t]{0,40}(?:\"\"\"|''')?(?:>>>[ \t]?)?(assert\b[^\n]{0,4000})$", re.MULTILINE)
_SYMBOL = re.compile(r"\s{0,3}(?:\#[ \t]{0,4})?(?:={1,3}>?|-{1,3}>|[→➞⇒➔⟶↦])[ \t]{0,8}")
_WORDS = re.compile(
    r"[ \t]{0,8}(?:\#[ \t]{0,4})?(?:(?:should|must|will|shall|would)[ ])?"
    r"(?:returns?|gives?|equals?|yields?|produces?|outputs?|evaluates?[ ]to|results?[ ]in|is|be)"
    r"(?:[ ]equal[ ]to)?[ \t]{0,4}",
    re.IGNORECASE,
)
_RAISES = re.compile(
    r"[ \t]{0,8}(?:\#[ \t]{0,4})?(?:(?:={1,3}>?|-{1,3}>|[→➞⇒])[ \t]{0,4})?(?:(?:should|must|will|shall|would)[ ])?"
    r"(?:raises?|throws?)[ ](?:an?[ ])?([A-Z]\w{0,62})",
    re.ASCII,
)
_SUM_BEFORE_RESULT = re.compile(r"[\d+\-*/ .]{3,80}=[ \t]{0,4}")
# What may follow a result: its end, or prose that does not change it.
_ENDS = re.compile(r"[ \t]{0,8}(?:\Z|\n|#|[,;!?)\]\"'`](?!\w)|\.(?!\d)|(?:and|but|while|because|whereas|not)\b)")
_TRACEBACK = re.compile(
    r"[ \t]*Traceback \(most recent call last\):[^\n]*\n(?:(?:[ \t]{0,80}(?:\.\.\.|File )[^\n]*|[ \t]*)\n){0,20}?"
    r"[ \t]*([A-Z]\w{0,62})\b",
    re.ASCII,
)
_EXCEPTION_ENDINGS = ("Error", "Exception", "Exit", "Interrupt", "StopIteration", "Warning")
_NO_FUNCTIONS = frozenset(dir(builtins)) | frozenset("assert not and or if in is for return returns print math".split())


@dataclass(frozen=True)
class ShownCall:
    """One call and its outcome; neither value nor `raises` when only the call could be read."""

    function: str
    arguments: tuple[Any, ...]
    keywords: tuple[tuple[str, Any], ...] = ()
    value: Any = None
    raises: str | None = None
    is_comparable: bool = True
    # `("Venus")`: a tuple somebody forgot the comma of, or text in brackets.
    is_bracketed: bool = False
    # Where the call stands in the text; asserts stand at 0, they are never part of an explanation.
    position: int = 0


def shown_calls(text: str) -> tuple[ShownCall, ...]:
    """Every call with literal arguments whose outcome is shown, in the order of the text."""
    found: list[ShownCall] = []
    rest = _ASSERT.sub(lambda line: _taken(line, found), text)
    for number, candidate in enumerate(_CALL.finditer(rest)):
        if number == _MAX_CANDIDATES or len(found) >= MAX_CALLS:
            break
        if candidate[1] in _NO_FUNCTIONS or not _stands_alone(rest, candidate.start()):
            continue
        try:
            found.append(replace(_call_at(rest, candidate), position=candidate.start()))
        except NotPythonError:
            continue
    return tuple(found)


def _taken(line: re.Match[str], found: list[ShownCall]) -> str:
    """Read one assert; blanked out where that worked, so that it is not read a second time."""
    try:
        found.extend(_asserted(module_of(line[1])))
    except NotPythonError:
        return line[0]
    return " " * len(line[0])


def _asserted(module: ast.Module) -> Iterator[ShownCall]:
    for node in module.body:
        if not isinstance(node, ast.Assert):
            continue
        test = node.test
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq | ast.Is):
            yield from _compared(test.left, test.comparators[0])
        elif isinstance(test, ast.Call):
            yield from _close_or_true(test)
        elif isinstance(test, ast.UnaryOp) and isinstance(test.operand, ast.Call):
            yield _parts(test.operand, value=None, is_comparable=False)


def _compared(left: ast.expr, right: ast.expr) -> Iterator[ShownCall]:
    if not isinstance(left, ast.Call):
        return
    inner = left.args[0] if len(left.args) == 1 and isinstance(left.args[0], ast.Call) else None
    if isinstance(left.func, ast.Name) and left.func.id in _NO_FUNCTIONS and inner is not None:
        # `set(f(..)) == set(..)` leaves order and repetition open: the call is known, its result is not.
        yield _parts(inner, value=None, is_comparable=False)
        return
    try:
        yield _parts(left, value=literal_of(right))
    except NotPythonError:
        yield _parts(left, value=None, is_comparable=False)


def _close_or_true(test: ast.Call) -> Iterator[ShownCall]:
    """`assert f(x)` asks for what counts as true, `assert isclose(f(x), y)` for what is near: neither is a result."""
    name = test.func.attr if isinstance(test.func, ast.Attribute) else getattr(test.func, "id", "")
    inner = test.args[0] if test.args and (name == "isclose" or name in _NO_FUNCTIONS) else test
    if isinstance(inner, ast.Call):
        yield _parts(inner, value=None, is_comparable=False)


def _parts(call: ast.Call, *, value: Any, raises: str | None = None, is_comparable: bool = True) -> ShownCall:
    if not isinstance(call.func, ast.Name) or any(k.arg is None for k in call.keywords):
        raise NotPythonError("not a plain call")
    return ShownCall(
        function=call.func.id,
        arguments=tuple(literal_of(argument) for argument in call.args),
        keywords=tuple((k.arg or "", literal_of(k.value)) for k in call.keywords),
        value=value,
        raises=raises,
        is_comparable=is_comparable,
    )


def _stands_alone(text: str, start: int) -> bool:
    """Whether a call is a whole left side: nothing but a bullet, a prompt or prose stands before it on its line."""
    before = text[text.rfind("\n", 0, start) + 1 : start].rstrip()
    is_bullet = before.strip(" \t'\"") in {"-", "*", "+", ">>>", "#", "//", "`"}
    return is_bullet or not before or before[-1] not in "=+-*/%<>^&|~@([{" or before.endswith((">>>", "=>", "-->"))


def _call_at(text: str, candidate: re.Match[str]) -> ShownCall:
    end = closing(text, candidate.end())
    call = expression_of(text[candidate.start() : end])
    if not isinstance(call, ast.Call):
        raise NotPythonError("not a call")
    line_start = text.rfind("\n", 0, candidate.start()) + 1
    is_doctest = text[line_start : candidate.start()].strip(" \t'\"") == ">>>"
    if text[end : end + 1] == "`":
        end += 1
    if is_doctest and re.match(r"[ \t]*\n", text[end:]):
        return _doctest_outcome(text, call, end)
    raised = _RAISES.match(text, end)
    if raised and _is_exception(raised[1]):
        return _parts(call, value=None, raises=raised[1])
    return _stated_outcome(text, call, end, is_doctest=is_doctest)


def _stated_outcome(text: str, call: ast.Call, end: int, *, is_doctest: bool) -> ShownCall:
    symbol = _SYMBOL.match(text, end)
    connector = symbol or _WORDS.match(text, end)
    if connector is None:
        raise NotPythonError("no outcome is stated")
    start = connector.end()
    start = text.find("`", start) + 1 if text[start : start + 1] == "`" else start
    worked_out = _SUM_BEFORE_RESULT.match(text, start) if symbol else None
    start = worked_out.end() if worked_out else start
    value, stop = literal_at(text, start)
    is_at_end = _ENDS.match(text, stop) is not None
    if not is_at_end and (symbol is None or _is_changed(text, stop)):
        raise NotPythonError("what follows changes the result")
    if is_doctest and re.match(r"[^\n]*\n[ \t]*False\b", text[stop:]):
        raise NotPythonError("the doctest says that this does not hold")
    is_bracketed = text[start] == "(" and not isinstance(value, tuple)
    return replace(_parts(call, value=value), is_bracketed=is_bracketed)


def _is_changed(text: str, stop: int) -> bool:
    follows = text[stop : stop + 12]
    if follows[:1].isalnum() or follows[:1] in {"_", "'", '"', "("}:
        return True
    return (
        re.match(r"[ \t]*(?:[*/%&|^@<=+\[{]|-[ \t]?[\w(]|(?:if|or|for|unless|in|is|times|per)\b)", follows) is not None
    )


def _doctest_outcome(text: str, call: ast.Call, end: int) -> ShownCall:
    below = text[text.find("\n", end) + 1 :][:2000]
    traceback = _TRACEBACK.match(below)
    if traceback:
        if not _is_exception(traceback[1]):
            raise NotPythonError("the traceback names no exception")
        return _parts(call, value=None, raises=traceback[1])
    lines: list[str] = []
    for line in below.split("\n"):
        if not line.strip() or line.strip().startswith((">>>", '"""', "'''")):
            break
        lines.append(line.strip())
    shown = " ".join(lines)
    if not shown:
        raise NotPythonError("the doctest shows no result")
    value, stop = literal_at(shown, 0)
    if shown[stop:].strip() and not shown[stop:].lstrip().startswith("#"):
        # Prose below the result: only the first line is the result then.
        value, stop = literal_at(lines[0], 0)
        if lines[0][stop:].strip():
            raise NotPythonError("the result is no literal")
    return _parts(call, value=value)


def _is_exception(name: str) -> bool:
    known = getattr(builtins, name, None)
    return name.endswith(_EXCEPTION_ENDINGS) or (isinstance(known, type) and issubclass(known, BaseException))
