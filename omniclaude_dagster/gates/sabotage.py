"""G-EXEC: are the node's own tests worth anything? They are run once more against a node that is broken on purpose.

Tests that still pass would pass for any node: they assert nothing, test a copy, swallow what goes wrong, or patch
pytest itself. What is broken depends on what is known of the node. Where an acceptance example says what a pure node
must answer, every answer is changed, and a test must notice the wrong value. Otherwise everything that works raises,
and a test must notice that. The broken parts are appended to the files as text; nothing of the node runs here.
"""

import ast
from collections.abc import Iterator

from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.source import SourceFile
from omniclaude_dagster.request.model import NodeKind

LOGIC_FILE, NODE_FILE = "logic.py", "node.py"
_PURE_KINDS = frozenset({NodeKind.COMPUTE, NodeKind.REDUCER})
_Function = ast.FunctionDef | ast.AsyncFunctionDef

# An exception that no test expects. Not a BaseException: what swallows any Exception must swallow this one.
_RAISING = """

def _sabotaged(function):
    def broken(*arguments, **options):
        raise BufferError("sabotaged: the node's tests are tried out")
    return broken
"""

# `shifted` never gives a value back unchanged, also not when it is applied twice.
_CHANGING = """

def _sabotaged(function):
    import functools, inspect

    def shifted(value):
        if isinstance(value, bool) or value is None:
            return 7
        if isinstance(value, (int, float)):
            return value + 1 + abs(value) if abs(value) < 1e300 else 0.5
        if isinstance(value, str):
            return value + "~"
        if isinstance(value, (list, tuple)):
            return [*map(shifted, value), "~"]
        if isinstance(value, dict):
            return {**{key: shifted(inner) for key, inner in value.items()}, "~": 7}
        if hasattr(value, "model_copy"):
            is_envelope = hasattr(value, "result") and hasattr(value, "operation_id")
            names = ("result",) if is_envelope else type(value).model_fields
            return value.model_copy(update={name: shifted(getattr(value, name)) for name in names})
        return None

    if inspect.iscoroutinefunction(function):
        @functools.wraps(function)
        async def broken(*arguments, **options):
            return shifted(await function(*arguments, **options))
    else:
        @functools.wraps(function)
        def broken(*arguments, **options):
            return shifted(function(*arguments, **options))
    return broken
"""


def sabotaged_files(ctx: NodeContext) -> dict[str, bytes] | None:
    """The files of the node with everything that works broken; None when nothing of it can be broken."""
    tail = _CHANGING if _is_answer_known(ctx) else _RAISING
    changed: dict[str, bytes] = {}
    for path, lines in _replacements(ctx).items():
        if lines:
            text = "\n".join([tail, *lines, ""])
            changed[f"{ctx.package}/{path}"] = ctx.bundle.files[path] + text.encode()
    return {**ctx.folder_files, **changed} if changed else None


def _is_answer_known(ctx: NodeContext) -> bool:
    return ctx.node_kind in _PURE_KINDS and any(example.output for example in ctx.examples)


def _replacements(ctx: NodeContext) -> dict[str, list[str]]:
    """For logic.py and node.py, the lines that put a broken function in the place of each that works."""
    node, logic = ctx.parsed.python.get(NODE_FILE), ctx.parsed.python.get(LOGIC_FILE)
    lines: dict[str, list[str]] = {LOGIC_FILE: [], NODE_FILE: []}
    if logic is not None:
        public = [f.name for f in logic.tree.body if isinstance(f, _Function) and not f.name.startswith("_")]
        entries = [name for name in public if node is not None and name in _imported_from_logic(node)]
        lines[LOGIC_FILE] = [f"{name} = _sabotaged({name})" for name in entries or public]
    if node is not None:
        lines[NODE_FILE] = [
            f"{c.name}.process = _sabotaged({c.name}.process)" for c in _classes(node) if _has_process(c)
        ]
    return lines


def _imported_from_logic(node: SourceFile) -> set[str]:
    found = (n for n in node.nodes if isinstance(n, ast.ImportFrom) and n.level == 1 and n.module == "logic")
    return {alias.name for statement in found for alias in statement.names}


def _classes(source: SourceFile) -> Iterator[ast.ClassDef]:
    return (n for n in source.tree.body if isinstance(n, ast.ClassDef))


def _has_process(node: ast.ClassDef) -> bool:
    return any(isinstance(s, _Function) and s.name == "process" for s in node.body)
