"""Reads names off syntax trees: what a module binds, and which dotted path a local name stands for."""

import ast
from collections.abc import Iterator, Mapping

from omniclaude_dagster.gates.source import SourceFile


def dotted(node: ast.AST) -> str | None:
    """`a.b.c` of a chain of attributes on a plain name, or None for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join((node.id, *reversed(parts)))


def import_table(source: SourceFile) -> Mapping[str, str]:
    """Local name to the dotted path it was imported from; relative imports keep their leading dots."""
    return source.imports


def resolved(node: ast.AST, table: Mapping[str, str]) -> str | None:
    """The dotted path an expression stands for, with its root replaced by what it was imported from."""
    path = dotted(node)
    if path is None:
        return None
    root, _, rest = path.partition(".")
    target = table.get(root, root)
    return f"{target}.{rest}" if rest else target


def module_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when the module is imported, through `if`, `try`, `with` and loops."""
    for statement in body:
        yield statement
        for name in ("body", "orelse", "finalbody"):
            if not isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield from module_level(getattr(statement, name, []))
        for handler in getattr(statement, "handlers", []):
            yield from module_level(handler.body)


def bound_names(source: SourceFile) -> set[str]:
    """Every name that importing the module binds in it."""
    names: set[str] = set()
    for statement in module_level(source.tree.body):
        if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name.split(".")[0] for alias in statement.names)
        elif isinstance(statement, ast.TypeAlias):
            names.add(statement.name.id)
        else:
            names.update(_assigned_names(statement))
    return names


def exported_names(source: SourceFile) -> tuple[str, ...] | None:
    """The entries of `__all__` when it is a literal list or tuple of strings, else None."""
    for statement in source.tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and "__all__" in _assigned_names(statement):
            value = statement.value
            if isinstance(value, ast.List | ast.Tuple):
                return tuple(e.value for e in value.elts if isinstance(e, ast.Constant) and isinstance(e.value, str))
    return None


def _assigned_names(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.Assign):
        targets: list[ast.expr] = statement.targets
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign | ast.For):
        targets = [statement.target]
    elif isinstance(statement, ast.With):
        targets = [item.optional_vars for item in statement.items if item.optional_vars]
    else:
        return set()
    return {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
