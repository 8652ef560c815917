"""A Python function that a prompt spells out: `def has_close(numbers: list[float], limit: float) -> bool: ...`.

Parsed with `ast`, never executed. Functions that are only shown by their calls are named in `spoken_examples.py`.
"""

import ast
import inspect
import re
from dataclasses import dataclass
from itertools import takewhile

from omniclaude_dagster.request.model import MAX_PROMPT_CHARS, ParameterHint, SignatureHint
from omniclaude_dagster.request.understanding.python_text import NotPythonError, closing, module_of

MAX_PARAMETERS = 20
_MAX_HEADS = 20
_HEAD = re.compile(r"(?:^|(?<=[\s`:]))def\s{1,4}([A-Za-z_]\w{0,62})\s{0,4}(?=\()", re.ASCII)
_RETURNS = re.compile(r"\s{0,4}->\s{0,4}")
# A result type written in prose ends where the type does: names, dots and whole brackets.
_TYPE_PART = re.compile(r"[\w.]+|\s{0,2}\|\s{0,2}|'[\w.\[\], |]{1,80}'|\"[\w.\[\], |]{1,80}\"")
_FENCES = frozenset({"```", "```python", "```py"})


@dataclass(frozen=True)
class SpelledFunction:
    """A function found in a prompt; `is_bare`: the prompt is nothing but code."""

    hint: SignatureHint
    is_bare: bool


def spelled_function(prompt: str) -> SpelledFunction | None:
    """The function a prompt asks for: the last one that is left open, else the last one. None: it spells out none."""
    text = code_text(prompt)
    if "def" not in text:
        return None
    try:
        module = module_of(text)
    except NotPythonError:
        found = _function_in_prose(text)
        return SpelledFunction(found, is_bare=False) if found else None
    hint = _asked_function(module)
    return SpelledFunction(hint, is_bare=True) if hint else None


def code_text(prompt: str) -> str:
    """The prompt with plain line ends, and without the fence when it is one fenced block."""
    text = prompt[:MAX_PROMPT_CHARS].replace("\r\n", "\n").replace("\r", "\n").expandtabs(4)
    first, _, rest = text.strip().partition("\n")
    is_fenced = first.strip().lower() in _FENCES and rest.endswith("```") and rest.count("```") == 1
    return rest.removesuffix("```").rstrip(" ") if is_fenced else text


def _asked_function(module: ast.Module) -> SignatureHint | None:
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    if not functions or not all(_is_plain_code(node) for node in module.body):
        return None
    asked = next((f for f in reversed(functions) if is_open(f)), functions[-1])
    helpers = [node for node in module.body if node is not asked and _is_helper(node)]
    shown = "\n\n\n".join(ast.unparse(node) for node in helpers) if any(map(_is_function, helpers)) else ""
    return _hint(asked, helpers=shown)


def is_open(function: ast.FunctionDef) -> bool:
    """Whether a body is still to be written: it holds a docstring, `...`, `pass` or NotImplementedError only."""
    return all(_is_placeholder(statement) for statement in function.body)


def _is_placeholder(node: ast.stmt) -> bool:
    if isinstance(node, ast.Raise):
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _is_plain_code(node: ast.stmt) -> bool:
    """What may stand beside a function in a prompt that is nothing but code."""
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_text or isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.Assign | ast.Assert)


def _is_helper(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom | ast.Assign) or _is_function(node)


def _is_function(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and not is_open(node)


def _hint(function: ast.FunctionDef, *, helpers: str = "") -> SignatureHint | None:
    arguments = function.args
    if arguments.vararg or arguments.kwarg or function.name.startswith("__"):
        return None
    plain = [*arguments.posonlyargs, *arguments.args]
    missing: list[ast.expr | None] = [None] * (len(plain) - len(arguments.defaults))
    defaults = [*missing, *arguments.defaults, *arguments.kw_defaults]
    parameters = [*plain, *arguments.kwonlyargs]
    if len(parameters) > MAX_PARAMETERS or any(p.arg in {"self", "cls"} for p in parameters[:1]):
        return None
    return SignatureHint(
        function=function.name,
        parameters=tuple(
            ParameterHint(
                name=parameter.arg,
                annotation=_source(parameter.annotation),
                default=_source(default),
            )
            for parameter, default in zip(parameters, defaults, strict=True)
        ),
        returns=_source(function.returns),
        docstring=inspect.cleandoc(ast.get_docstring(function, clean=False) or "").strip(),
        helpers=helpers,
    )


def _source(node: ast.expr | None) -> str | None:
    return None if node is None else ast.unparse(node)


def _function_in_prose(text: str) -> SignatureHint | None:
    """The last function head in a text that is not code as a whole; its docstring, where one follows it."""
    hints = (_head_at(text, found) for found in list(_HEAD.finditer(text))[:_MAX_HEADS][::-1])
    return next((hint for hint in hints if hint), None)


def _head_at(text: str, found: re.Match[str]) -> SignatureHint | None:
    if text[: found.start()].rstrip(" \t").endswith("async"):
        return None
    try:
        end = closing(text, found.end())
    except NotPythonError:
        return None
    head = text[found.start() : end]
    arrow = _RETURNS.match(text, end)
    stop = _end_of_type(text, arrow.end()) if arrow else end
    block = _indented_below(text, stop, indent=_indent_of(text, found.start()))
    returns = text[end:stop] if arrow and stop > arrow.end() else ""
    # The docstring first; a head with prose behind it has none.
    for source in (f"{head}{returns}:\n{block}", f"{head}{returns}: ...", f"{head}: ..."):
        try:
            module = module_of(source)
        except NotPythonError:
            continue
        if isinstance(module.body[0], ast.FunctionDef):
            return _hint(module.body[0])
    return None


def _end_of_type(text: str, start: int) -> int:
    position = start
    while True:
        if text[position : position + 1] == "[":
            try:
                position = closing(text, position)
            except NotPythonError:
                return start
            continue
        part = _TYPE_PART.match(text, position)
        is_word_after_word = part and part[0][0].isalnum() and position > start and text[position - 1] in "]\"'"
        if part is None or is_word_after_word:
            break
        position = part.end()
    while position > start and text[position - 1] in "|. ":
        position -= 1
    return position


def _indent_of(text: str, position: int) -> int:
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return len(line) - len(line.lstrip())


def _indented_below(text: str, stop: int, *, indent: int) -> str:
    """The lines below a head that are indented deeper than it is."""
    first, *following = text[stop:].split("\n")
    if first.strip() not in {":", ": ...", ":..."}:
        return ""
    deeper = takewhile(lambda line: not line.strip() or len(line) - len(line.lstrip()) > indent, following)
    return "\n".join(deeper)
