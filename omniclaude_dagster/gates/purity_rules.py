"""G14, the part that reads: a pure node's answer depends on its input alone, not on the clock, chance or earlier calls.

Executing shows most of it: G14 sends every input twice. It cannot show a date that changes at midnight, nor state
that grows in a module and is not part of the answer yet.
"""

import ast
from collections.abc import Iterator

from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.security_data import START_FILE
from omniclaude_dagster.gates.source import Finding, SourceFile
from omniclaude_dagster.gates.symbols import import_table, module_level, resolved
from omniclaude_dagster.request.model import NodeKind

_PURE_KINDS = frozenset({NodeKind.COMPUTE, NodeKind.REDUCER})
# How long something took is no part of an answer, so `perf_counter` and `monotonic` are not here.
_CLOCK = frozenset(
    {
        "datetime.date.today",
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        "time.ctime",
        "time.localtime",
        "time.time",
        "time.time_ns",
    }
)
_CHANCE = frozenset({"os.urandom", "uuid.uuid1", "uuid.uuid4"})
_CHANGING_METHODS = frozenset(
    {"add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "setdefault"}
    | {"update"}
)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def purity_findings(ctx: NodeContext) -> Iterator[Finding]:
    """What makes a COMPUTE answer depend on more than its input, and state that COMPUTE and REDUCER calls share."""
    if ctx.node_kind not in _PURE_KINDS:
        return
    for source in ctx.parsed.product:
        if source.path != START_FILE:
            if ctx.node_kind is NodeKind.COMPUTE:
                yield from _chance_findings(source)
            yield from _shared_state_findings(source)


def _chance_findings(source: SourceFile) -> Iterator[Finding]:
    table = import_table(source)
    for node in (n for n in source.nodes if isinstance(n, ast.Call)):
        called = resolved(node.func, table) or ""
        if called in _CLOCK:
            yield Finding(source.path, node.lineno, f"reads the clock ({called}); take the time as an input")
        elif called in _CHANCE or _is_random(called, node):
            yield Finding(source.path, node.lineno, f"depends on chance ({called}); take the value as an input")


def _is_random(called: str, node: ast.Call) -> bool:
    """A function of `random` or `secrets`; a generator with a seed of its own is no chance."""
    module, _, name = called.partition(".")
    if called == "random.Random":
        return not node.args
    return module == "secrets" or (module == "random" and name.islower() and name != "seed")


def _shared_state_findings(source: SourceFile) -> Iterator[Finding]:
    shared = _module_variables(source)
    for function in (n for n in source.nodes if isinstance(n, _Function)):
        for node in ast.walk(function):
            if isinstance(node, ast.Global):
                yield Finding(source.path, node.lineno, f"changes the module's {', '.join(node.names)} from a call")
        own = _own_names(function)
        for node in ast.walk(function):
            name = _changed_name(node)
            if name in shared and name not in own:
                message = f"changes the module's {name}, which all calls share"
                yield Finding(source.path, getattr(node, "lineno", 0), message)


def _module_variables(source: SourceFile) -> frozenset[str]:
    names: set[str] = set()
    for statement in module_level(source.tree.body):
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
        names.update(t.id for t in targets if isinstance(t, ast.Name))
    return frozenset(names)


def _own_names(function: _Function) -> frozenset[str]:
    """Parameters and local variables."""
    arguments = {n.arg for n in ast.walk(function.args) if isinstance(n, ast.arg)}
    stored = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return frozenset(arguments | stored)


def _changed_name(node: ast.AST) -> str:
    """The variable whose content a node changes in place: by an index, or by a method that changes."""
    changed: ast.expr | None = None
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        changed = node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGING_METHODS:
        changed = node.func.value
    return changed.id if isinstance(changed, ast.Name) else ""
