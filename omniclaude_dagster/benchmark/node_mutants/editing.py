"""Edits of bundles that mutants are written with. An edit that would change nothing raises: no mutant is a good node.

Places are found in the syntax tree, so that a mutant survives a change of the templates it is made from.
"""

import ast
import re
import textwrap
from collections.abc import Iterator
from functools import reduce

from omniclaude_dagster.benchmark.node_mutants.model import Edit
from omniclaude_dagster.node.bundle import NodeBundle


def both(*edits: Edit) -> Edit:
    """One edit after the other."""
    return lambda bundle: reduce(lambda done, edit: edit(done), edits, bundle)


def replaced(path: str, pattern: str, replacement: str, *, count: int = 1) -> Edit:
    """A regular expression replaced in one file; `path` may be `models/*input*`, the first match."""

    def edit(bundle: NodeBundle) -> NodeBundle:
        found = file_like(bundle, path)
        text = bundle.files[found].decode()
        changed = re.sub(pattern, replacement, text, count=count, flags=re.MULTILINE | re.DOTALL)
        if changed == text:
            raise LookupError(f"{pattern!r} changes nothing in {bundle.package_name}/{found}")
        return bundle.with_files({found: changed.encode()})

    return edit


def written(path: str, content: str | bytes) -> Edit:
    """A file added, or replaced as a whole."""
    data = content if isinstance(content, bytes) else textwrap.dedent(content).encode()
    return lambda bundle: bundle.with_files({path: data})


def appended(path: str, text: str) -> Edit:
    """Text at the end of a file."""

    def edit(bundle: NodeBundle) -> NodeBundle:
        found = file_like(bundle, path)
        return bundle.with_files({found: bundle.files[found] + textwrap.dedent(text).encode()})

    return edit


def removed(path: str) -> Edit:
    """A file taken away."""

    def edit(bundle: NodeBundle) -> NodeBundle:
        found = file_like(bundle, path)
        return NodeBundle(bundle.package_name, {p: c for p, c in bundle.files.items() if p != found})

    return edit


def renamed(path: str, new: str) -> Edit:
    """A file under another name."""

    def edit(bundle: NodeBundle) -> NodeBundle:
        found = file_like(bundle, path)
        kept = {p: c for p, c in bundle.files.items() if p != found}
        return NodeBundle(bundle.package_name, {**kept, new: bundle.files[found]})

    return edit


def at_start(code: str, *, imports: str = "") -> Edit:
    """Statements at the start of what the node does: its function in logic.py, else `process`."""

    def edit(bundle: NodeBundle) -> NodeBundle:
        path, function = working_function(bundle)
        lines = bundle.files[path].decode().splitlines()
        first = _first_statement(function)
        lines[first.lineno - 1 : first.lineno - 1] = _indented(code, first.col_offset)
        return bundle.with_files({path: _with_imports(lines, imports)})

    return edit


def instead(code: str, *, imports: str = "") -> Edit:
    """Other statements as the body of what the node does; its docstring stays."""

    def edit(bundle: NodeBundle) -> NodeBundle:
        path, function = working_function(bundle)
        lines = bundle.files[path].decode().splitlines()
        first = _first_statement(function)
        lines[first.lineno - 1 : function.end_lineno] = _indented(code, first.col_offset)
        return bundle.with_files({path: _with_imports(lines, imports)})

    return edit


def only_test(body: str) -> Edit:
    """One test module, instead of all that the node has; its stand-ins stay."""

    def edit(bundle: NodeBundle) -> NodeBundle:
        kept = {path: content for path, content in bundle.files.items() if not path.startswith("tests/test_")}
        source = f'"""Tests."""\n\n{body}\n'.encode()
        return NodeBundle(bundle.package_name, {**kept, "tests/test_node.py": source})

    return edit


def in_work(pattern: str, replacement: str) -> Edit:
    """A regular expression replaced in the file that does the node's work."""
    return lambda bundle: replaced(working_function(bundle)[0], pattern, replacement)(bundle)


def beside_work(code: str) -> Edit:
    """Statements after the imports of the file that does the node's work."""
    return lambda bundle: at_import(code, path=working_function(bundle)[0])(bundle)


def at_import(code: str, *, path: str = "node.py") -> Edit:
    """Statements after the imports of a module."""

    def edit(bundle: NodeBundle) -> NodeBundle:
        text = bundle.files[path].decode()
        imported = [n for n in ast.parse(text).body if isinstance(n, ast.Import | ast.ImportFrom)]
        lines = text.splitlines()
        place = max((n.end_lineno or 0 for n in imported), default=0)
        lines[place:place] = ["", *textwrap.dedent(code).strip("\n").splitlines(), ""]
        return bundle.with_files({path: "\n".join([*lines, ""]).encode()})

    return edit


def in_class(code: str, *, indent: int = 4) -> Edit:
    """Text at the end of the node's class, indented by hand."""

    def edit(bundle: NodeBundle) -> NodeBundle:
        lines = bundle.files["node.py"].decode().splitlines()
        place = node_class(bundle).end_lineno or len(lines)
        lines[place:place] = ["", *_indented(code, indent)]
        return bundle.with_files({"node.py": "\n".join([*lines, ""]).encode()})

    return edit


def node_class(bundle: NodeBundle) -> ast.ClassDef:
    """The node's class in node.py."""
    return next(n for n in ast.parse(bundle.files["node.py"]).body if isinstance(n, ast.ClassDef))


def working_function(bundle: NodeBundle) -> tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """The function that does the node's work, and its file: what node.py imports from logic.py, else `process`."""
    imported = {
        alias.name
        for node in ast.parse(bundle.files["node.py"]).body
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module == "logic"
        for alias in node.names
    }
    for path in ("logic.py", "node.py"):
        if path in bundle.files:
            for function in _functions(ast.parse(bundle.files[path])):
                if function.name in (imported if path == "logic.py" else {"process"}):
                    return path, function
    raise LookupError(f"{bundle.package_name} has no function that does its work")


def file_like(bundle: NodeBundle, pattern: str) -> str:
    """The file of this name, or the first that fits a pattern with `*`."""
    fitting = re.compile(re.escape(pattern).replace(r"\*", ".*"))
    found = [path for path in sorted(bundle.files) if fitting.fullmatch(path)]
    if not found:
        raise LookupError(f"{bundle.package_name} has no file {pattern}")
    return found[0]


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def _first_statement(function: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt:
    """The first statement after the docstring."""
    has_docstring = ast.get_docstring(function) is not None
    return function.body[1 if has_docstring else 0]


def _indented(code: str, width: int) -> list[str]:
    return textwrap.indent(textwrap.dedent(code).strip("\n"), " " * width).splitlines()


def _with_imports(lines: list[str], imports: str) -> bytes:
    """`imports` go before the first import that is not `from __future__`."""
    if imports:
        place = next(
            n for n, line in enumerate(lines) if line.startswith(("import ", "from ")) and "__future__" not in line
        )
        lines[place:place] = textwrap.dedent(imports).strip("\n").splitlines()
    return "\n".join([*lines, ""]).encode()
