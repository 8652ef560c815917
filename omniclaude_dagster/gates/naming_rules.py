"""G10: names, places and the shape of the node's class, read from the syntax trees."""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping

from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.onex_rules import (
    ENUM_CLASS_PATTERN,
    KINDS_WITH_OWN_PROCESS,
    MODEL_CLASS_PATTERN,
    NODE_BASES,
    NODE_FOLDER_PATTERN,
    PROCESS_PARAMETERS,
)
from omniclaude_dagster.gates.source import Finding, SourceFile
from omniclaude_dagster.gates.symbols import bound_names, exported_names, import_table, resolved
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.request.naming import snake_case

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_CLASS_STATEMENTS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Assign, ast.AnnAssign, ast.Pass)


def naming_findings(ctx: NodeContext) -> Iterator[Finding]:
    """Every violation of ONEX naming and of the node class's shape."""
    if not NODE_FOLDER_PATTERN.match(ctx.package):
        yield Finding("", 0, f"the package {ctx.package!r} is not named node_<name>_<kind>")
    yield from _node_class_findings(ctx)
    yield from _package_findings(ctx)
    for source in ctx.parsed.product:
        yield from _duplicate_findings(source)
        yield from _place_findings(source)
    yield from _contract_name_findings(ctx)


def _node_classes(ctx: NodeContext) -> list[tuple[SourceFile, ast.ClassDef, NodeKind]]:
    found = []
    for source in ctx.parsed.product:
        table = import_table(source)
        for node in source.nodes:
            if isinstance(node, ast.ClassDef):
                kinds = [kind for base in node.bases if (kind := _base_kind(base, table))]
                found.extend([(source, node, kinds[0])] if kinds else [])
    return found


def _base_kind(base: ast.expr, table: Mapping[str, str]) -> NodeKind | None:
    inner = base.value if isinstance(base, ast.Subscript) else base
    return NODE_BASES.get(resolved(inner, table) or "")


def _node_class_findings(ctx: NodeContext) -> Iterator[Finding]:
    found = _node_classes(ctx)
    if not found:
        kind = ctx.node_kind
        wanted = f"Node{kind.value.capitalize()}" if kind else "NodeEffect, NodeCompute, NodeReducer, NodeOrchestrator"
        yield Finding("node.py", 0, f"no class extends {wanted} imported from omnibase_core.nodes")
        return
    for source, node, kind in found:
        if source.path != "node.py":
            yield Finding(source.path, node.lineno, f"the node class {node.name} belongs in node.py")
        yield from _class_name_findings(ctx, source, node, kind)
        yield from _class_shape_findings(source, node, kind)
    if len(found) > 1:
        names = ", ".join(node.name for _, node, _ in found)
        yield Finding("node.py", found[1][1].lineno, f"more than one node class: {names}")
    yield from _loose_method_findings(ctx)


def _class_name_findings(ctx: NodeContext, source: SourceFile, node: ast.ClassDef, kind: NodeKind) -> Iterator[Finding]:
    suffix = kind.value.capitalize()
    if not node.name.startswith("Node") or not node.name.endswith(suffix):
        yield Finding(source.path, node.lineno, f"{node.name} extends a {suffix} base but is not named Node*{suffix}")
    elif snake_case(node.name) != ctx.package:
        yield Finding(
            source.path, node.lineno, f"{node.name} belongs in package {snake_case(node.name)}, not {ctx.package}"
        )
    if ctx.kind and ctx.kind is not kind:
        yield Finding(source.path, node.lineno, f"{node.name} is a {kind.value} node; {ctx.kind.value} was asked for")
    if ctx.class_name and ctx.class_name != node.name:
        yield Finding(source.path, node.lineno, f"the node class is {node.name}, not {ctx.class_name}")


def _class_shape_findings(source: SourceFile, node: ast.ClassDef, kind: NodeKind) -> Iterator[Finding]:
    for statement in node.body:
        is_docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not is_docstring and not isinstance(statement, _CLASS_STATEMENTS):
            kind_of = type(statement).__name__
            yield Finding(source.path, statement.lineno, f"{node.name} has a stray {kind_of} statement in its body")
    process = [s for s in node.body if isinstance(s, _Function) and s.name == "process"]
    if not process:
        if kind in KINDS_WITH_OWN_PROCESS:
            yield Finding(source.path, node.lineno, f"{node.name} has no process method")
        return
    method = process[-1]
    names = tuple(a.arg for a in (*method.args.posonlyargs, *method.args.args))
    if isinstance(method, ast.FunctionDef):
        yield Finding(source.path, method.lineno, "process is not async")
    if names != PROCESS_PARAMETERS[kind] or method.args.vararg or method.args.kwarg:
        wanted = ", ".join(PROCESS_PARAMETERS[kind])
        yield Finding(source.path, method.lineno, f"process takes ({', '.join(names)}) instead of ({wanted})")


def _loose_method_findings(ctx: NodeContext) -> Iterator[Finding]:
    source = ctx.parsed.python.get("node.py")
    for statement in source.tree.body if source else ():
        if isinstance(statement, _Function) and statement.args.args and statement.args.args[0].arg == "self":
            yield Finding("node.py", statement.lineno, f"the method {statement.name} stands outside the class")


def _package_findings(ctx: NodeContext) -> Iterator[Finding]:
    package = ctx.parsed.python.get("__init__.py")
    name = ctx.node_class
    if package is None:
        if "__init__.py" not in ctx.bundle.files:
            yield Finding("__init__.py", 0, "the file is missing")
        return
    exported = exported_names(package)
    if name and (name not in bound_names(package) or (exported is not None and name not in exported)):
        yield Finding("__init__.py", 0, f"the package does not export its node {name}")


def _duplicate_findings(source: SourceFile) -> Iterator[Finding]:
    """A second definition of a name silently replaces the first: the mark of text pasted into a finished file."""
    for body in (source.tree.body, *(n.body for n in source.nodes if isinstance(n, ast.ClassDef))):
        definitions = [s for s in body if isinstance(s, ast.ClassDef | _Function) and not _is_overload(s)]
        counts = Counter(s.name for s in definitions)
        for statement in definitions:
            if counts[statement.name] > 1:
                yield Finding(source.path, statement.lineno, f"{statement.name} is defined more than once")
                break


def _is_overload(statement: ast.stmt) -> bool:
    decorators = getattr(statement, "decorator_list", [])
    return any("overload" in ast.dump(d) or "setter" in ast.dump(d) or "deleter" in ast.dump(d) for d in decorators)


def _place_findings(source: SourceFile) -> Iterator[Finding]:
    classes = [n for n in source.tree.body if isinstance(n, ast.ClassDef)]
    folder, _, file = source.path.rpartition("/")
    if folder == "models":
        yield from _folder_findings(source, classes, file, "Model")
    elif folder == "enums":
        yield from _folder_findings(source, classes, file, "Enum")
    else:
        table = import_table(source)
        for node in (n for n in source.nodes if isinstance(n, ast.ClassDef)):
            if "pydantic.BaseModel" in {resolved(base, table) for base in node.bases}:
                yield Finding(
                    source.path, node.lineno, f"the model {node.name} belongs in a file of its own in models/"
                )


def _folder_findings(source: SourceFile, classes: list[ast.ClassDef], file: str, prefix: str) -> Iterator[Finding]:
    pattern = MODEL_CLASS_PATTERN if prefix == "Model" else ENUM_CLASS_PATTERN
    public = [c for c in classes if not c.name.startswith("_")]
    for node in public:
        if not pattern.match(node.name):
            yield Finding(source.path, node.lineno, f"the class {node.name} is not named {prefix}*")
    if file == "__init__.py":
        if public:
            yield Finding(source.path, public[0].lineno, f"{public[0].name} belongs in a file of its own")
        return
    if len(public) > 1:
        yield Finding(source.path, public[1].lineno, f"more than one class in one file: {public[1].name}")
    if not public:
        yield Finding(source.path, 0, f"defines no {prefix}* class")
    if len(public) == 1 and file.removesuffix(".py").replace("_", "") != public[0].name.lower():
        yield Finding(source.path, public[0].lineno, f"{public[0].name} belongs in {snake_case(public[0].name)}.py")


def _contract_name_findings(ctx: NodeContext) -> Iterator[Finding]:
    name = ctx.contract.get("name") if isinstance(ctx.contract, dict) else None
    if name is not None and name != ctx.package:
        yield Finding("contract.yaml", 0, f"the name {str(name)[:80]!r} is not the package's name {ctx.package!r}")
