"""Adds the annotations that strict type-checking wants and models leave out. They change nothing when code runs.

Only what is missing or open is filled in: parameters and results of helper functions, and the elements of bare
collections. What can be read off (the asked function's parameter of that name, a literal default, literal results)
is; the rest is `Any`, which is honest about what is known. The asked function's own annotations are never touched.
"""

import ast
from collections.abc import Sequence

from omniclaude_dagster.stages.logic_shape import own_returns

_ELEMENTS = {
    "list": "list[Any]", "set": "set[Any]", "frozenset": "frozenset[Any]", "dict": "dict[Any, Any]",
    "tuple": "tuple[Any, ...]", "List": "list[Any]", "Set": "set[Any]", "Dict": "dict[Any, Any]",
    "Tuple": "tuple[Any, ...]", "FrozenSet": "frozenset[Any]", "Callable": "Callable[..., Any]",
    "Iterable": "Iterable[Any]", "Iterator": "Iterator[Any]", "Sequence": "Sequence[Any]",
    "Counter": "Counter[Any]", "deque": "deque[Any]", "defaultdict": "defaultdict[Any, Any]",
}  # fmt: skip
_MADE_OF_LITERALS = {ast.JoinedStr: "str", ast.List: "list[Any]", ast.ListComp: "list[Any]", ast.Set: "set[Any]",
                     ast.SetComp: "set[Any]", ast.Dict: "dict[Any, Any]", ast.DictComp: "dict[Any, Any]"}  # fmt: skip


def annotate(asked: ast.FunctionDef, helpers: Sequence[ast.FunctionDef]) -> None:
    """Complete the annotations of all functions but the asked one. `Any` may have to be imported then."""
    known = {a.arg: a.annotation for a in asked.args.args if a.annotation is not None}
    functions = [n for f in (*helpers, asked) for n in ast.walk(f) if isinstance(n, ast.FunctionDef) and n is not asked]
    for function in functions:
        _annotate_parameters(function, known)
        if function.returns is None:
            function.returns = _result(function, asked)
    for function in (*helpers, asked):
        _fill_elements(function, is_asked=function is asked)


def _annotate_parameters(function: ast.FunctionDef, known: dict[str, ast.expr]) -> None:
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(given.defaults)) + list(given.defaults)
    pairs = [*zip(positional, defaults, strict=True), *zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    for argument, default in pairs:
        if argument.annotation is None:
            argument.annotation = _literal_type(default) or known.get(argument.arg) or _any()
    for rest in (given.vararg, given.kwarg):
        if rest is not None and rest.annotation is None:
            rest.annotation = _any()


def _result(function: ast.FunctionDef, asked: ast.FunctionDef) -> ast.expr:
    """What the function returns, as far as its returns show it."""
    if any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(function)):
        return _any()
    values = [node.value for node in own_returns(function)]
    if all(value is None for value in values):
        return ast.Constant(None)
    shown = {ast.unparse(t) for value in values if (t := _literal_type(value)) is not None}
    if len(shown) == 1 and all(_literal_type(value) is not None for value in values):
        return ast.parse(shown.pop(), mode="eval").body
    returned_by_asked = (node.value for node in own_returns(asked) if isinstance(node.value, ast.Call))
    if asked.returns is not None and any(_calls(call, function.name) for call in returned_by_asked):
        return asked.returns
    return _any()


def _calls(call: ast.Call, name: str) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == name


def _literal_type(value: ast.expr | None) -> ast.expr | None:
    """The type that an expression has beyond doubt."""
    if isinstance(value, ast.Constant) and type(value.value) in {bool, int, float, str, bytes}:
        return ast.Name(type(value.value).__name__, ast.Load())
    if isinstance(value, ast.UnaryOp):
        return ast.Name("bool", ast.Load()) if isinstance(value.op, ast.Not) else _literal_type(value.operand)
    if isinstance(value, ast.Compare):
        return ast.Name("bool", ast.Load())
    if (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id in {"all", "any", "len", "str"}
    ):
        return ast.Name({"len": "int", "str": "str"}.get(value.func.id, "bool"), ast.Load())
    if isinstance(value, ast.BoolOp):
        parts = {ast.unparse(t) if (t := _literal_type(v)) is not None else "" for v in value.values}
        return _literal_type(value.values[0]) if len(parts) == 1 and "" not in parts else None
    made = _MADE_OF_LITERALS.get(type(value)) if value is not None else None
    return ast.parse(made, mode="eval").body if made else None


def _fill_elements(function: ast.FunctionDef, *, is_asked: bool) -> None:
    """`list` -> `list[Any]` wherever an annotation names a collection and not what is in it."""
    asked_arguments = {id(argument) for argument in function.args.args} if is_asked else set()
    for node in ast.walk(function):
        if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            if id(node) not in asked_arguments:
                node.annotation = _filled(node.annotation)
        elif isinstance(node, ast.FunctionDef) and node.returns is not None and not (is_asked and node is function):
            node.returns = _filled(node.returns)


def _filled(annotation: ast.expr) -> ast.expr:
    filled = _Elements().visit(annotation)
    return filled if isinstance(filled, ast.expr) else annotation


class _Elements(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.expr:
        filled = _ELEMENTS.get(node.id)
        return ast.parse(filled, mode="eval").body if filled else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        # The collection has its elements; only these are looked at.
        node.slice = self.visit(node.slice)
        return node


def _any() -> ast.expr:
    return ast.Name("Any", ast.Load())
