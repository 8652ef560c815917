"""The rules of the house as functions over source text: each gives the violations it finds, as readable lines.

Pure, so that every rule can be shown to fail on a small synthetic source. Which files are judged is the tests' matter.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

PACKAGE = "omniclaude_dagster"
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 80

# Rooms from left to right; a room may import itself and what stands left of it.
_ORDER: tuple[tuple[str, ...], ...] = (
    ("errors", "settings", "atomic_files", "statistics"),
    ("request",),
    ("node",),
    ("contracts",),
    ("providers",),
    ("sandbox",),
    ("gates",),
    ("artifact",),
    ("patterns",),
    ("quorum",),
    ("stages",),
    ("records",),
    ("pipeline", "reviewing"),
    ("benchmark",),
    ("defs",),
    ("definitions",),
    ("surfaces",),
)
RANKS = {room: rank for rank, rooms in enumerate(_ORDER) for room in rooms}
# Among the first three: atomic_files and settings may raise our errors, nothing else.
_FOUNDATION = {
    "errors": frozenset[str](),
    "statistics": frozenset[str](),
    "settings": frozenset({"errors"}),
    "atomic_files": frozenset({"errors"}),
}


@dataclass(frozen=True)
class Source:
    """One Python file; `path` is relative to the checkout, with slashes."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text)

    @property
    def room(self) -> str:
        """`omniclaude_dagster/gates/report.py` -> `gates`; the package's own `__init__` has none."""
        parts = self.path.removeprefix(f"{PACKAGE}/").removesuffix(".py").split("/")
        return "" if parts[0] == "__init__" else parts[0]

    @property
    def package(self) -> str:
        """Dotted name of the package the file is in, for relative imports."""
        return ".".join(self.path.split("/")[:-1])


@dataclass(frozen=True)
class Import:
    """One imported module; `is_lazy` when it stands inside a function."""

    module: str
    line: int
    is_lazy: bool


def imports_of(source: Source) -> Iterator[Import]:
    """Every import, with relative ones made absolute; `from package import module` names the module too."""
    tree = source.tree
    lazy = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, id(node) in lazy)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                kept = source.package.split(".")[: len(source.package.split(".")) - node.level + 1]
                base = ".".join([*kept, *([base] if base else [])])
            for alias in node.names:
                yield Import(f"{base}.{alias.name}", node.lineno, id(node) in lazy)


def layering_violations(source: Source) -> list[str]:
    """Imports of a room that stands right of, or beside, the importing one."""
    if not source.room:
        return [f"{source.path}:{i.line}: the package itself imports nothing" for i in imports_of(source)]
    return [
        f"{source.path}:{found.line}: {source.room} must not import {found.module}"
        for found in imports_of(source)
        if found.module.startswith(f"{PACKAGE}.") and not _may_import(source, found)
    ]


def _may_import(source: Source, found: Import) -> bool:
    target = found.module.split(".")[1]
    if source.path.startswith(f"{PACKAGE}/sandbox/harness/"):
        return False
    if source.room == target:
        return True
    if source.room not in RANKS or target not in RANKS:
        return False
    if source.room in _FOUNDATION:
        return target in _FOUNDATION[source.room]
    if source.room == "surfaces":
        # The Dagster half of the house is heavy: a command that does not need it must not load it.
        return found.is_lazy if target == "definitions" else target != "defs"
    return RANKS[target] < RANKS[source.room]


def dagster_violations(source: Source) -> list[str]:
    """Imports of dagster outside defs/ and definitions.py."""
    if source.room in {"defs", "definitions"}:
        return []
    return [
        f"{source.path}:{found.line}: only defs/ and definitions.py know Dagster"
        for found in imports_of(source)
        if found.module.split(".")[0].startswith("dagster")
    ]


def environment_violations(source: Source) -> list[str]:
    """Reads of the environment outside settings.py.

    Programs that run inside the sandbox, and those that build the environment of a child process, may name variables
    one by one; nobody else, and nobody may look at all of it.
    """
    if source.path == f"{PACKAGE}/settings.py":
        return []
    may_name = source.path.startswith(f"{PACKAGE}/sandbox/harness/")
    tree = source.tree
    named = {id(node) for node in _named_uses(tree)} if may_name else set()
    problems = [
        f"{source.path}:{node.lineno}: reads the environment"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr in {"environ", "environb", "getenv", "getenvb"}
        and id(node) not in named
    ]
    imported = (i for i in imports_of(source) if i.module in {"os.environ", "os.environb", "os.getenv"})
    return problems + [f"{source.path}:{i.line}: imports {i.module}" for i in imported]


def _named_uses(tree: ast.Module) -> Iterator[ast.AST]:
    """`os.environ["NAME"]`, and `os.environ.update(...)` of the harness's own constants."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            yield node.value
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if is_call and node.func.attr in {"get", "update", "setdefault", "pop"}:  # type: ignore[attr-defined]
            yield node.func.value  # type: ignore[attr-defined]


def size_violations(source: Source) -> list[str]:
    """Files and functions beyond the hard limits."""
    lines = source.text.count("\n")
    problems = [f"{source.path}: {lines} lines; at most {MAX_FILE_LINES}"] if lines > MAX_FILE_LINES else []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                problems.append(f"{source.path}:{node.lineno}: {node.name} has {length} lines")
    return problems


def docstring_violations(source: Source) -> list[str]:
    """Modules without a docstring; an empty `__init__.py` needs none, and an inner one must be empty."""
    name = source.path.rsplit("/", 1)[-1]
    if name == "__init__.py" and not source.text.strip():
        return []
    return [] if ast.get_docstring(source.tree) else [f"{source.path}: has no module docstring"]


def init_violations(source: Source) -> list[str]:
    """Inner `__init__.py` that do more than re-export: they hold a docstring and imports with `__all__`, or nothing."""
    is_inner = source.path.endswith("/__init__.py") and source.path.count("/") > 1
    if not is_inner:
        return []
    return [
        f"{source.path}:{node.lineno}: an inner __init__ holds no code"
        for node in source.tree.body
        if not isinstance(node, ast.ImportFrom | ast.Expr) and not _is_export_list(node)
    ]


def _is_export_list(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == ["__all__"]


def future_annotation_violations(source: Source) -> list[str]:
    """`from __future__ import annotations` where Dagster reads annotations."""
    if source.room not in {"defs", "definitions"}:
        return []
    return [
        f"{source.path}:{i.line}: Dagster's Config breaks on postponed annotations"
        for i in imports_of(source)
        if i.module == "__future__.annotations"
    ]


# Joined, so that this file does not find itself.
_LEFTOVER = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3]) + r")\b")
_MACHINE_PATH = re.compile(
    r"(?<![\w.~$}-])/(?:" + "|".join(["wo" + "rk", "ho" + "me", "Us" + "ers"]) + r")/[A-Za-z]\w*"
)
_PRIVATE_ADDRESS = re.compile(
    r"(?<![\d.])(?:10(?:\.\d{1,3}){3}|192\.168(?:\.\d{1,3}){2}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2})(?![\d.])"
)


def text_violations(path: str, text: str, *, may_name_private_addresses: bool = False) -> list[str]:
    """Leftover marks, paths of one machine, addresses of one network."""
    return [
        f"{path}:{number}: {found!r}"
        for number, line in enumerate(text.splitlines(), 1)
        for found in _found(line, may_name_private_addresses=may_name_private_addresses)
    ]


def _found(line: str, *, may_name_private_addresses: bool) -> Iterable[str]:
    patterns = [_LEFTOVER, _MACHINE_PATH] + ([] if may_name_private_addresses else [_PRIVATE_ADDRESS])
    return [match[0] for pattern in patterns for match in pattern.finditer(line)]
