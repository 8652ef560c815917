"""Wrong solutions made from right ones: small changes in the syntax tree, as a hasty programmer makes them.

Deterministic: the same source, count and seed give the same mutants. Whether a mutant is really wrong is for the
hidden tests to say; one that no test tells from the original counts as right.
"""

import ast
import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One changed source; `change` says what was done and in which line."""

    source: str
    change: str


type _Edit = tuple[str, Callable[[ast.AST], None]]

_OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Add,), ast.Div: (ast.Mult, ast.FloorDiv),
    ast.FloorDiv: (ast.Div, ast.Mult), ast.Mod: (ast.FloorDiv,), ast.Pow: (ast.Mult,), ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,), ast.BitXor: (ast.BitOr,), ast.LShift: (ast.RShift,), ast.RShift: (ast.LShift,),
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}  # fmt: skip
_BODIES = ("body", "orelse", "finalbody")


def mutants_of(source: str, function: str, *, count: int, seed: int = 0) -> tuple[Mutant, ...]:
    """Up to `count` different mutants of one function of a module, of as many kinds of change as there are.

    Raises SyntaxError when the source cannot be parsed, ValueError when it has no such function.
    """
    module = ast.parse(source)
    original = ast.unparse(module)
    found: dict[str, list[Mutant]] = {}
    for position, kind, variant in _sites(module, function):
        changed, line = _changed(module, function, position, variant)
        text = ast.unparse(ast.fix_missing_locations(changed))
        if text != original:
            found.setdefault(kind, []).append(Mutant(text + "\n", f"{kind} in line {line}"))
    return _spread(found, count=count, generator=random.Random(f"{seed} {source}"))  # noqa: S311  (no secret)


def _spread(found: dict[str, list[Mutant]], *, count: int, generator: random.Random) -> tuple[Mutant, ...]:
    """One of each kind of change in turn, each source once."""
    for mutants in found.values():
        generator.shuffle(mutants)
    kinds = sorted(found)
    generator.shuffle(kinds)
    chosen: dict[str, Mutant] = {}
    while kinds and len(chosen) < count:
        for kind in list(kinds):
            if not found[kind]:
                kinds.remove(kind)
            elif len(chosen) < count:
                mutant = found[kind].pop()
                chosen.setdefault(mutant.source, mutant)
    return tuple(chosen.values())


def _sites(module: ast.Module, function: str) -> Iterator[tuple[int, str, int]]:
    """Position of a node in the walk over the function, kind of change, number of the change there."""
    for position, node in enumerate(ast.walk(_function(module, function))):
        for variant, (kind, _) in enumerate(_edits(node)):
            yield position, kind, variant


def _changed(module: ast.Module, function: str, position: int, variant: int) -> tuple[ast.Module, int]:
    changed = copy.deepcopy(module)
    for number, node in enumerate(ast.walk(_function(changed, function))):
        if number == position:
            _, edit = list(_edits(node))[variant]
            edit(node)
            return changed, int(getattr(node, "lineno", 0))
    raise LookupError("the walk over a copy went another way")


def _function(module: ast.Module, name: str) -> ast.FunctionDef:
    found = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name]
    if not found:
        raise ValueError(f"the source defines no function {name}")
    return found[-1]


def _edits(node: ast.AST) -> Iterator[_Edit]:
    """The changes that can be made at one node."""
    yield from _expression_edits(node)
    yield from _call_edits(node)
    yield from _statement_edits(node)


def _expression_edits(node: ast.AST) -> Iterator[_Edit]:
    match node:
        case ast.BinOp(op=op) | ast.AugAssign(op=op):
            for other in _OPERATORS.get(type(op), ()):
                yield "operator swapped", _setter("op", other())
        case ast.Compare(ops=[op, *_]):
            for comparison in _COMPARISONS.get(type(op), ()):
                yield "comparison swapped", _setter("ops", [comparison(), *node.ops[1:]])
        case ast.BoolOp(op=op):
            yield "and for or", _setter("op", ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.Constant(value=bool() as value):
            yield "truth value swapped", _setter("value", not value)
        case ast.Constant(value=int() | float() as value):
            yield "constant one up", _setter("value", value + 1)
            yield "constant one down", _setter("value", value - 1)
        case ast.UnaryOp(op=ast.USub() | ast.Not() as op, operand=operand):
            # Twice is not at all.
            yield "sign or not dropped", _setter("operand", ast.UnaryOp(op, operand))
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            yield "condition negated", _setter("test", ast.UnaryOp(ast.Not(), test))


def _call_edits(node: ast.AST) -> Iterator[_Edit]:
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Name) and node.func.id == "range" and node.args:
        place = 0 if len(node.args) == 1 else 1
        for change, operator in (("range one longer", ast.Add()), ("range one shorter", ast.Sub())):
            ended = [*node.args]
            ended[place] = ast.BinOp(ended[place], operator, ast.Constant(1))
            yield change, _setter("args", ended)
    if len(node.args) >= 2 and not any(isinstance(a, ast.Starred) for a in node.args[:2]):
        yield "arguments swapped", _setter("args", [node.args[1], node.args[0], *node.args[2:]])


def _statement_edits(node: ast.AST) -> Iterator[_Edit]:
    for name in _BODIES:
        statements = getattr(node, name, None)
        if not isinstance(statements, list):
            continue
        for place, statement in enumerate(statements):
            if _is_droppable(statement):
                rest = [*statements[:place], *statements[place + 1 :]] or [ast.Pass()]
                yield "statement dropped", _setter(name, rest)
    if isinstance(node, ast.For | ast.While):
        yield "loop left after its first round", _setter("body", [*node.body, ast.Break()])
    if isinstance(node, ast.FunctionDef):
        returned = [n for n in ast.walk(node) if isinstance(n, ast.Return) and n.value is not None]
        if returned and len(node.body) > 1:
            early = ast.Return(ast.Name(node.args.args[0].arg, ast.Load())) if node.args.args else ast.Return()
            yield "early return", _setter("body", [*node.body[:-1][:1], early])


def _is_droppable(statement: object) -> bool:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        # A docstring.
        return False
    return isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr | ast.If | ast.For | ast.While)


def _setter(name: str, value: object) -> Callable[[ast.AST], None]:
    def edit(node: ast.AST) -> None:
        # A deep copy: the new part may hold parts of the old one, and one tree must not share them.
        setattr(node, name, copy.deepcopy(value))

    return edit
