"""G10: the marks of text pasted into a finished file: code that never runs, or that runs when it should not."""

import ast
from collections.abc import Iterator
from itertools import pairwise

from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.security_data import START_FILE
from omniclaude_dagster.gates.source import Finding, SourceFile
from omniclaude_dagster.gates.symbols import module_level

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_ENDINGS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
# Resolves a model's forward references; there is no other place for it.
_ALLOWED_AT_IMPORT = frozenset({"model_rebuild"})


def pasted_text_findings(ctx: NodeContext) -> Iterator[Finding]:
    """Statements that cannot be reached, methods inside methods, and work done at import."""
    for source in ctx.parsed.product:
        yield from _unreachable_findings(source)
        yield from _inner_method_findings(source)
        if source.path != START_FILE:
            yield from _import_time_findings(source)


def _unreachable_findings(source: SourceFile) -> Iterator[Finding]:
    for node in source.nodes:
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                yield from _after_the_end(source, block)


def _after_the_end(source: SourceFile, block: list[ast.stmt]) -> Iterator[Finding]:
    for statement, following in pairwise(block):
        if isinstance(statement, _ENDINGS) and not _makes_a_generator(following):
            ending = type(statement).__name__.lower()
            yield Finding(source.path, following.lineno, f"stands after {ending} and never runs")
            return


def _makes_a_generator(statement: ast.stmt) -> bool:
    """`return` and then `yield` is how a generator without values is written."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Yield | ast.YieldFrom)


def _inner_method_findings(source: SourceFile) -> Iterator[Finding]:
    for node in source.nodes:
        if isinstance(node, _Function) and _takes_self(node):
            for inner in node.body:
                if isinstance(inner, _Function) and _takes_self(inner):
                    message = f"the method {inner.name} stands inside {node.name}, where nothing can call it"
                    yield Finding(source.path, inner.lineno, message)


def _takes_self(function: _Function) -> bool:
    return bool(function.args.args) and function.args.args[0].arg == "self"


def _import_time_findings(source: SourceFile) -> Iterator[Finding]:
    for statement in module_level(source.tree.body):
        is_work = isinstance(statement, ast.Expr) and not _is_harmless(statement.value)
        if is_work or isinstance(statement, ast.While | ast.With | ast.Delete):
            yield Finding(source.path, statement.lineno, "does something when the module is imported")


def _is_harmless(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return True
    called = value.func if isinstance(value, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr in _ALLOWED_AT_IMPORT
