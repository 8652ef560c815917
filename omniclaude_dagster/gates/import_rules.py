"""G11: every import of every file resolves, as far as syntax trees and the list of installed packages can tell.

Modules and symbols of installed packages are imported in the sandbox, never in this process.
"""

import ast
import importlib.machinery
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.onex_rules import MOVED_MODULES, MOVED_SYMBOLS
from omniclaude_dagster.gates.source import Finding, ParsedBundle, SourceFile
from omniclaude_dagster.gates.symbols import bound_names, exported_names, module_level


@dataclass(frozen=True)
class ImportedName:
    """One imported module or symbol and where it is imported. `module` is absolute unless `level` > 0."""

    file: str
    line: int
    module: str
    symbol: str | None
    level: int = 0


def imported_names(source: SourceFile) -> Iterator[ImportedName]:
    """Every import of a file, also those inside functions and under TYPE_CHECKING."""
    for node in source.nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield ImportedName(source.path, node.lineno, alias.name, None)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield ImportedName(source.path, node.lineno, node.module or "", alias.name, node.level)


def import_findings(ctx: NodeContext) -> Iterator[Finding]:
    """Imports that cannot resolve, as far as that can be known without executing anything."""
    parsed = ctx.parsed
    for source in parsed.python.values():
        for name in imported_names(source):
            if name.symbol == "*":
                yield Finding(source.path, name.line, f"imports everything from {name.module or '.'}")
            elif name.level or name.module.split(".")[0] == ctx.package:
                yield from _own_import_findings(ctx, source, name)
            else:
                yield from _outside_import_findings(name)
        yield from _rebound_findings(source)
        yield from _export_findings(parsed, source)


def outside_imports(ctx: NodeContext) -> tuple[ImportedName, ...]:
    """The imports that only the sandbox can resolve for certain: everything not of the package itself."""
    return tuple(
        name
        for source in ctx.parsed.python.values()
        for name in imported_names(source)
        if not name.level and name.module.split(".")[0] != ctx.package
    )


def _own_import_findings(ctx: NodeContext, source: SourceFile, name: ImportedName) -> Iterator[Finding]:
    module = _own_module(ctx, source, name)
    if module is None:
        yield Finding(source.path, name.line, f"{'.' * name.level}{name.module} leaves the package")
        return
    target = ctx.parsed.by_module(module)
    shown = f"{'.' * name.level}{name.module}"
    if target is None and module and module not in ctx.parsed.folders:
        if not _is_refused(ctx, module):
            yield Finding(source.path, name.line, f"the module {shown} does not exist in the package")
        return
    if name.symbol is None:
        return
    submodule = f"{module}.{name.symbol}" if module else name.symbol
    is_submodule = ctx.parsed.by_module(submodule) is not None or submodule in ctx.parsed.folders
    if not is_submodule and (target is None or name.symbol not in bound_names(target)):
        yield Finding(source.path, name.line, f"{shown} does not define {name.symbol}")


def _own_module(ctx: NodeContext, source: SourceFile, name: ImportedName) -> str | None:
    """Dotted module below the package that an import of the package itself means; None when it leads outside."""
    if not name.level:
        return name.module.removeprefix(ctx.package).removeprefix(".")
    folder = source.path.split("/")[:-1]
    ascent = name.level - 1
    if ascent > len(folder):
        return None
    base = folder[: len(folder) - ascent]
    return ".".join([*base, *([name.module] if name.module else [])])


def _is_refused(ctx: NodeContext, module: str) -> bool:
    """True when the module exists but was refused by G9, which then reports it."""
    stem = module.replace(".", "/")
    return f"{stem}.py" in ctx.bundle.files or f"{stem}/__init__.py" in ctx.bundle.files


def _outside_import_findings(name: ImportedName) -> Iterator[Finding]:
    for wrong, right in MOVED_MODULES.items():
        if name.module == wrong or name.module.startswith(f"{wrong}."):
            yield Finding(name.file, name.line, f"{name.module} does not exist; use {right}")
            return
    moved = MOVED_SYMBOLS.get((name.module, name.symbol or ""))
    if moved:
        yield Finding(name.file, name.line, f"{name.symbol} is not to be imported from {name.module}; use {moved}")
        return
    top = name.module.split(".")[0]
    if top not in sys.stdlib_module_names and not _is_installed(top):
        yield Finding(name.file, name.line, f"no package {top} is installed")


@lru_cache(maxsize=512)
def _is_installed(top: str) -> bool:
    """Whether a top-level package is installed in this environment. Looks only; never the working directory."""
    roots = [p for p in sys.path if p and Path(p).name in {"site-packages", "dist-packages"}]
    spec = importlib.machinery.PathFinder.find_spec(top, roots)
    return spec is not None and spec.origin is not None


def _rebound_findings(source: SourceFile) -> Iterator[Finding]:
    """The same name imported twice at module level from different places: the later silently wins."""
    seen: dict[str, str] = {}
    tried = {id(s) for t in source.tree.body if isinstance(t, ast.Try | ast.If) for s in ast.walk(t)}
    for statement in module_level(source.tree.body):
        if not isinstance(statement, ast.Import | ast.ImportFrom) or id(statement) in tried:
            continue
        prefix = f"{'.' * statement.level}{statement.module}." if isinstance(statement, ast.ImportFrom) else ""
        for alias in statement.names:
            local = alias.asname or (alias.name if prefix else alias.name.split(".")[0])
            origin = f"{prefix}{alias.name}" if prefix or alias.asname else local
            if seen.setdefault(local, origin) != origin:
                yield Finding(source.path, statement.lineno, f"{local} is imported twice, from different places")


def _export_findings(parsed: ParsedBundle, source: SourceFile) -> Iterator[Finding]:
    names = bound_names(source)
    for name in exported_names(source) or ():
        submodule = f"{source.module}.{name}" if source.module else name
        if name not in names and parsed.by_module(submodule) is None:
            yield Finding(source.path, 0, f"__all__ names {name}, which the module does not define")
