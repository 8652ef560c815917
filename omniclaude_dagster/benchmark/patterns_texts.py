"""Forms of text in which two tasks can be compared: prose, words, code without names, values without spelling. Pure.

A value is written differently in Python, JSON and a docstring; `squeezed` leaves the same characters of each.
"""

import ast
import re
from collections.abc import Iterator

from omniclaude_dagster.patterns.fingerprint import code_fingerprint
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.request.understanding.python_text import NotPythonError, module_of

_SHOWN_CALL = re.compile(r"^\s*(?:assert\b|>>>)")
_SAME = str.maketrans({"'": '"', "(": "[", ")": "]", "{": "[", "}": "]"})
# A word must not grow together with the one before it: `assert f(1)` holds a call of f.
_SPACE_OF_WORDS = re.compile(r"(?<=\w)\s+(?=\w)")
_NO_SPACE = re.compile(r"(?<!\w)\s+|\s+(?!\w)")
_WORDS = (("True", "true"), ("False", "false"), ("None", "null"))


def prose(prompt: str) -> str:
    """What a prompt says in words and heads: without the calls it shows, and without quotes of blocks."""
    lines = [line for line in prompt.splitlines() if not _SHOWN_CALL.match(line)]
    return " ".join("\n".join(lines).replace('"""', " ").replace("'''", " ").split())


def tokens(text: str) -> frozenset[str]:
    """Its words and numbers, in lower case."""
    return frozenset(re.findall(r"[a-z0-9]+", text.lower()))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared words out of all words of two texts; 0 to 1."""
    return len(one & other) / len(one | other) if one | other else 0.0


def squeezed(text: str) -> str:
    """The text with one kind of brackets and quotes, and spaces between words only.

    Python and JSON of one value become equal.
    """
    for word, same in _WORDS:
        text = re.sub(rf"\b{word}\b", same, text)
    text = _NO_SPACE.sub("", _SPACE_OF_WORDS.sub(" ", text))
    return text.translate(_SAME).replace(",]", "]")


def squeezed_value(value: object) -> str | None:
    """A value as `squeezed` would leave it, sets in order; None where it has no text."""
    try:
        return squeezed(repr(_ordered(value)))
    except (ValueError, RecursionError):
        # Numbers of many thousand digits have no decimal text.
        return None


def code_key(source: str, function: str) -> str | None:
    """Equal for two modules whose function does the same in the same way, whatever anything in it is called.

    As a pattern's fingerprint, but whatever else stands in the module, in whatever order, and without the casts that
    the pipeline puts in for the type checker. None where the source cannot be read or lacks the function.
    """
    try:
        module = module_of(source)
        asked = [n for n in module.body if isinstance(n, ast.FunctionDef) and n.name == function]
        if not asked:
            return None
        bare = ast.unparse(_Uncast().visit(_reached(module, asked[-1])))
        return code_fingerprint(
            bare, function=function, own_classes=(), node_kind=NodeKind.COMPUTE, inputs={}, outputs={}
        )
    except (NotPythonError, RecursionError):
        return None


def _reached(module: ast.Module, asked: ast.FunctionDef) -> ast.Module:
    """The imports, the function, then what it reaches in the order in which it is reached."""
    imports = [node for node in module.body if isinstance(node, ast.Import | ast.ImportFrom)]
    defined = {name: node for node in module.body for name in _defined(node) if node is not asked}
    reached: list[ast.stmt] = [asked]
    for node in reached:
        names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]
        reached += [d for d in (defined.pop(name, None) for name in names) if d is not None and d not in reached]
    return ast.Module([*imports, *reached], [])


def _defined(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name


class _Uncast(ast.NodeTransformer):
    """`cast(type, value)` as the value."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Any call; of a cast what is cast."""
        self.generic_visit(node)
        is_cast = isinstance(node.func, ast.Name) and node.func.id == "cast" and len(node.args) == 2
        return node.args[1] if is_cast else node


def _ordered(value: object) -> object:
    """Sets as sorted lists: their own order is another one in each process."""
    match value:
        case set() | frozenset():
            return sorted((_ordered(v) for v in value), key=repr)
        case list():
            return [_ordered(v) for v in value]
        case tuple():
            return tuple(_ordered(v) for v in value)
        case dict():
            return {k: _ordered(v) for k, v in value.items()}
        case _:
            return value
