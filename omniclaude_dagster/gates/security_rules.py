"""G-SEC: reads what code would do from its syntax trees and refuses what generated code has no business doing."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from omniclaude_dagster.gates import security_data as data
from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.import_rules import ImportedName, imported_names
from omniclaude_dagster.gates.packaging_rules import PYPROJECT, pyproject_findings
from omniclaude_dagster.gates.source import TESTS_FOLDER, Finding, SourceFile
from omniclaude_dagster.gates.symbols import import_table, resolved
from omniclaude_dagster.request.model import NodeKind


@dataclass(frozen=True)
class _Scope:
    """One file and what holds for it."""

    source: SourceFile
    package: str
    kind: NodeKind | None
    table: Mapping[str, str]
    modules: frozenset[str]
    parameters: frozenset[str]

    @property
    def is_effect(self) -> bool:
        return self.kind is NodeKind.EFFECT

    @property
    def is_start(self) -> bool:
        return self.source.path == data.START_FILE

    @property
    def reads_configuration(self) -> bool:
        return self.is_start or "config" in self.source.path.rpartition("/")[2]

    def finding(self, node: ast.AST, message: str) -> Finding:
        return Finding(self.source.path, getattr(node, "lineno", 0), message)


def security_findings(ctx: NodeContext) -> Iterator[Finding]:
    """Everything refused in the node's files, without its own tests (those only ever run in the sandbox)."""
    yield from _file_findings(ctx)
    for source in ctx.parsed.product:
        scope = _scope(ctx, source)
        for name in imported_names(source):
            yield from _import_findings(scope, name)
        docstrings = {id(n.value) for n in source.nodes if isinstance(n, ast.Expr)}
        for node in source.nodes:
            if id(node) not in docstrings or not isinstance(node, ast.Constant):
                yield from _node_findings(scope, node)
        yield from _module_value_findings(scope)


def warning_findings(ctx: NodeContext) -> Iterator[Finding]:
    """Endless loops that nothing seems to end: suspicious, but only running the node can tell."""
    for source in ctx.parsed.product:
        for node in source.nodes:
            if isinstance(node, ast.While) and _is_endless(node):
                yield Finding(source.path, node.lineno, "an endless loop without await, break, return or raise")


def _is_endless(loop: ast.While) -> bool:
    is_always_true = isinstance(loop.test, ast.Constant) and bool(loop.test.value)
    ways_out = ast.Await | ast.Break | ast.Return | ast.Raise
    return is_always_true and not any(isinstance(n, ways_out) for n in ast.walk(loop))


def _scope(ctx: NodeContext, source: SourceFile) -> _Scope:
    modules = {
        alias.asname or alias.name.split(".")[0]
        for node in source.nodes
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    parameters = frozenset(node.arg for node in source.nodes if isinstance(node, ast.arg))
    return _Scope(source, ctx.package, ctx.node_kind, import_table(source), frozenset(modules), parameters)


def _file_findings(ctx: NodeContext) -> Iterator[Finding]:
    for path in sorted(ctx.bundle.files):
        # What an update shows beside an edited file is text whatever it is called.
        name = path.rpartition("/")[2].removesuffix(data.CONFLICT_SUFFIX)
        if path == PYPROJECT:
            yield from pyproject_findings(ctx.bundle.files[path])
        elif name in data.FORBIDDEN_FILES or name == PYPROJECT:
            yield Finding(path, 0, "configures tools or hooks into Python; a node has no such file")
        elif not name.endswith(data.ALLOWED_SUFFIXES):
            yield Finding(path, 0, "is not a kind of file that belongs in a node")


def _import_findings(scope: _Scope, name: ImportedName) -> Iterator[Finding]:
    where = (name.file, name.line)
    is_own = bool(name.level) or name.module.split(".")[0] == scope.package
    if is_own:
        inner = name.module if name.level else name.module.partition(".")[2]
        tests = TESTS_FOLDER.rstrip("/")
        if inner.split(".")[0] == tests or (not inner and name.symbol == tests):
            yield Finding(*where, "imports from the node's tests, which are not judged as part of the node")
        return
    parts = name.module.split(".")
    allowed = (
        data.START_IMPORT_ROOTS if scope.is_start else data.ALLOWED_IMPORT_ROOTS.get(scope.kind or NodeKind.COMPUTE)
    )
    kind = scope.kind.value if scope.kind else "this"
    if parts[0] not in (allowed or frozenset()):
        is_start_effect = scope.is_start and scope.is_effect and parts[0] in data.ALLOWED_IMPORT_ROOTS[NodeKind.EFFECT]
        if not is_start_effect:
            yield Finding(*where, f"imports {name.module}, which {kind} nodes may not use")
    elif parts[0] == "omnibase_core" and not _is_core_part(name.module):
        yield Finding(*where, f"imports {name.module}, a part of the framework that nodes have no business with")
    path = f"{name.module}.{name.symbol}" if name.symbol else name.module
    # The framework's own packages have innocent names like `code` or `resource`; only a symbol can be a detour there.
    candidates = [name.symbol or ""] if parts[0] == "omnibase_core" else path.split(".")[1:]
    detours = [p for p in candidates if p in data.DETOUR_MODULES]
    if detours:
        yield Finding(*where, f"reaches the module {detours[0]} through {parts[0]}")
    if name.symbol or len(parts) > 1:
        yield from (Finding(*where, message) for message in _path_problems(scope, path))


def _is_core_part(module: str) -> bool:
    part = module.split(".")[1:2]
    return not part or part[0] in data.ALLOWED_CORE_PARTS or module in data.ALLOWED_CORE_MODULES


def _path_problems(scope: _Scope, path: str) -> Iterator[str]:
    """What is wrong with using the dotted path of something imported."""
    prefixes = data.FORBIDDEN_CALLS if scope.is_effect else (*data.FORBIDDEN_CALLS, *data.FORBIDDEN_PURE_CALLS)
    excepted = data.START_CALLS if scope.is_start else frozenset()
    if any(path == p or path.startswith(f"{p}.") for p in prefixes if p not in excepted):
        yield f"uses {path}"
    root, _, rest = path.partition(".")
    first = rest.split(".")[0]
    if root == "sys" and first and first not in (data.START_SYS if scope.is_start else data.SAFE_SYS):
        yield f"uses sys.{first}"
    if root == "os" and first and first not in _allowed_os(scope):
        is_read = scope.reads_configuration and first in {"environ", "getenv"}
        if not is_read:
            yield f"uses os.{first}"


def _allowed_os(scope: _Scope) -> frozenset[str]:
    allowed = data.EFFECT_OS if scope.is_effect else data.PURE_OS
    return allowed | data.START_OS if scope.is_start else allowed


def _node_findings(scope: _Scope, node: ast.AST) -> Iterator[Finding]:
    if isinstance(node, ast.Name):
        yield from _name_findings(scope, node)
    elif isinstance(node, ast.Attribute):
        yield from _attribute_findings(scope, node)
    elif isinstance(node, ast.Call):
        yield from _call_findings(scope, node)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from _string_findings(scope, node, node.value)
    elif isinstance(node, ast.MatchClass):
        reached = data.FORBIDDEN_ATTRIBUTES.intersection(node.kwd_attrs)
        yield from (scope.finding(node, f"reaches into Python through {name}") for name in sorted(reached))
    elif isinstance(node, ast.AsyncFunctionDef):
        yield from _async_findings(scope, node)


def _name_findings(scope: _Scope, node: ast.Name) -> Iterator[Finding]:
    if node.id in data.FORBIDDEN_BUILTINS and isinstance(node.ctx, ast.Load):
        yield scope.finding(node, f"uses {node.id}")
    elif node.id == "open" and not scope.is_effect and "open" not in scope.table:
        yield scope.finding(node, "opens a file, which only EFFECT nodes may do")


def _attribute_findings(scope: _Scope, node: ast.Attribute) -> Iterator[Finding]:
    if node.attr in data.FORBIDDEN_ATTRIBUTES:
        yield scope.finding(node, f"reaches into Python through {node.attr}")
    if node.attr in data.FORBIDDEN_METHODS or (node.attr in data.FORBIDDEN_PURE_METHODS and not scope.is_effect):
        yield scope.finding(node, f"uses {node.attr}")
    path = resolved(node, scope.table)
    root = _root_name(node)
    if path is None or root not in scope.table or path.startswith("."):
        return
    yield from (scope.finding(node, message) for message in _path_problems(scope, path))
    # Whatever else is imported under a lower-case name may be a module, too.
    may_be_module = root in scope.modules or scope.table[root].rpartition(".")[2].islower()
    if may_be_module and (node.attr in data.DETOUR_MODULES or node.attr == "__dict__"):
        yield scope.finding(node, f"reaches {node.attr} through {path.rpartition('.')[0]}")


def _root_name(node: ast.Attribute) -> str:
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        inner = inner.value
    return inner.id if isinstance(inner, ast.Name) else ""


def _call_findings(scope: _Scope, node: ast.Call) -> Iterator[Finding]:
    called = resolved(node.func, scope.table) or ""
    if called in data.REFLECTION or called in data.REFLECTION_CALLS:
        position = 1 if called in data.REFLECTION else 0
        names = node.args[position : position + 1] if called in data.REFLECTION else node.args
        literals = [a.value for a in names if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if len(literals) != len(names) or not literals:
            yield scope.finding(node, f"uses {called} with a computed name")
        elif any(name.startswith("__") for name in literals):
            yield scope.finding(node, f"uses {called} to reach {literals[0]}")
    if called == "logging.basicConfig" and not scope.is_effect and any(k.arg == "filename" for k in node.keywords):
        yield scope.finding(node, "logs to a file, which only EFFECT nodes may do")
    if called == "input" and "input" not in scope.parameters:
        yield scope.finding(node, "reads from the terminal")
    if called in data.ENVIRONMENT_READS and not (node.args and isinstance(node.args[0], ast.Constant)):
        yield scope.finding(node, "reads the environment by a computed name")


def _string_findings(scope: _Scope, node: ast.Constant, value: str) -> Iterator[Finding]:
    for word in data.FORBIDDEN_IN_STRINGS:
        if word in value:
            yield scope.finding(node, f"has a string that reaches for {word}")
    for path in data.FORBIDDEN_PATHS:
        if value.startswith(path) or (path.startswith((".", "id_")) and path in value):
            yield scope.finding(node, f"names the protected path {path}")


def _async_findings(scope: _Scope, function: ast.AsyncFunctionDef) -> Iterator[Finding]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and resolved(node.func, scope.table) in data.BLOCKING_CALLS:
            yield scope.finding(node, "blocks the event loop with time.sleep")


def _module_value_findings(scope: _Scope) -> Iterator[Finding]:
    """Modules, `os.environ` and reflection functions as values: passed on, they can no longer be followed."""
    followed = {id(n.value) for n in scope.source.nodes if isinstance(n, ast.Attribute)}
    called = {id(n.func) for n in scope.source.nodes if isinstance(n, ast.Call)}
    indexed = {
        id(n.value)
        for n in scope.source.nodes
        if isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Constant) and isinstance(n.ctx, ast.Load)
    }
    for node in scope.source.nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in followed:
            if node.id in scope.modules:
                yield scope.finding(node, f"passes the module {node.id} on as a value")
            elif node.id in data.REFLECTION and id(node) not in called:
                yield scope.finding(node, f"passes {node.id} on as a value")
        if isinstance(node, ast.Name | ast.Attribute) and resolved(node, scope.table) == "os.environ":
            is_named_read = id(node) in indexed or _is_environment_get(scope, node, followed)
            if isinstance(node.ctx, ast.Load) and not is_named_read:
                yield scope.finding(node, "uses the whole environment")


def _is_environment_get(scope: _Scope, node: ast.AST, followed: set[int]) -> bool:
    if id(node) not in followed:
        return False
    parents = (n for n in scope.source.nodes if isinstance(n, ast.Attribute) and n.value is node)
    return all(parent.attr == "get" for parent in parents)
