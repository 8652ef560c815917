"""Mends the two complaints of the type checker that say nothing against a body, where it stands. Pure.

    no-any-return    the value comes out of something typed `Any`: the return says what it is, with `cast`
    return           the end of a function that always returns before it: it raises instead of returning None

Neither changes a result that its type allows: a cast does nothing when it runs, and a None where none is allowed is
refused by the output model anyway. What is mended is executed again like any other body.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from omniclaude_dagster.artifact.unparsing import unparsed

_NONE_RETURNED = 'got "None"'


@dataclass(frozen=True)
class TypeFinding:
    """One complaint about a line of the rendered logic.py."""

    line: int
    code: str
    message: str


def mended(source: str, *, rendered: str, findings: Iterable[TypeFinding]) -> str | None:
    """The source without what the findings complain about; None when one of them cannot be mended here."""
    places: dict[tuple[str, str], str] = {}
    functions_by_return = _returns(ast.parse(rendered))
    for finding in findings:
        place = functions_by_return.get(finding.line)
        is_none = finding.code == "return-value" and _NONE_RETURNED in finding.message
        if place is None or not (finding.code == "no-any-return" or (is_none and place[1] == "None")):
            return None
        places[place] = "raise" if is_none else "cast"
    module = ast.parse(source)
    _Mender(places).visit(module)
    if "cast" in places.values():
        module.body.insert(0, ast.ImportFrom("typing", [ast.alias("cast")], 0))
    return unparsed(module.body) + "\n"


def _returns(module: ast.Module) -> dict[int, tuple[str, str]]:
    """Line of each return to the function it is in and what it returns."""
    found: dict[int, tuple[str, str]] = {}
    waiting: list[tuple[str, ast.AST]] = [("", module)]
    while waiting:
        function, node = waiting.pop()
        if isinstance(node, ast.FunctionDef):
            function = node.name
        if isinstance(node, ast.Return):
            found[node.lineno] = (function, ast.unparse(node.value) if node.value else "None")
        waiting += [(function, child) for child in ast.iter_child_nodes(node)]
    return found


class _Mender(ast.NodeTransformer):
    """Replaces the returns named by function and value."""

    def __init__(self, places: dict[tuple[str, str], str]) -> None:
        self._places = places
        self._within: list[ast.FunctionDef] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self._within.append(node)
        self.generic_visit(node)
        self._within.pop()
        return node

    def visit_Return(self, node: ast.Return) -> ast.stmt:
        function = self._within[-1]
        value = ast.unparse(node.value) if node.value else "None"
        remedy = self._places.get((function.name, value))
        if remedy == "raise":
            return ast.parse('raise ValueError("there is no result for this input")').body[0]
        if remedy == "cast" and node.value is not None and function.returns is not None:
            wanted = ast.Constant(ast.unparse(function.returns))
            return ast.Return(ast.Call(ast.Name("cast", ast.Load()), [wanted, node.value], []))
        return node
