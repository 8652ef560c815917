"""Turns the bytes of a bundle into syntax trees and YAML documents, refusing whatever hides code or hurts a parser.

G9 reports what is refused here; the later gates read the trees. Nothing here executes or imports a bundle.
"""

import ast
import io
import re
import threading
import tokenize
import unicodedata
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from omniclaude_dagster.node.bundle import MAX_FILE_BYTES, NodeBundle

MAX_TREE_DEPTH = 200
MAX_YAML_DEPTH = 40
TESTS_FOLDER = "tests/"

# PEP 263, as the tokenizer reads it; bytes, so that no decoding can hide it.
_CODING_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_UTF8_COOKIES = frozenset({b"utf-8", b"utf8"})
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
# Marks that make a reader see another order, other lines or less text than Python does.
_DECEPTIVE_CHARACTERS = frozenset(
    chr(code)
    for first, last in ((0x200E, 0x200F), (0x202A, 0x202E), (0x2066, 0x2069), (0x2028, 0x2029), (0xE0000, 0xE007F))
    for code in range(first, last + 1)
) | frozenset("\u061c\u200b\u2060\ufeff\u0085")
_YAML_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# `warnings.catch_warnings` changes process-wide state, so only one thread at a time may do it.
_PARSE_LOCK = threading.Lock()


@dataclass(frozen=True)
class Finding:
    """Something wrong at a place. `line` is 1-based, 0 when the whole file is meant."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


@dataclass(frozen=True)
class SourceFile:
    """One Python file that could be parsed."""

    path: str
    text: str
    tree: ast.Module
    # Every node of the tree, breadth first; walked once and shared by all gates.
    nodes: tuple[ast.AST, ...] = field(compare=False, repr=False)

    @cached_property
    def imports(self) -> Mapping[str, str]:
        """Local name to the dotted path it was imported from; relative imports keep their leading dots."""
        table: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    root = alias.name.split(".")[0]
                    table[alias.asname or root] = alias.name if alias.asname else root
            elif isinstance(node, ast.ImportFrom):
                prefix = "." * node.level + (node.module or "")
                joint = "" if prefix.endswith(".") else "."
                for alias in node.names:
                    table[alias.asname or alias.name] = f"{prefix}{joint}{alias.name}"
        return table

    @property
    def is_test(self) -> bool:
        """True for the node's own tests."""
        return self.path.startswith(TESTS_FOLDER)

    @property
    def module(self) -> str:
        """Dotted name below the package: `models.model_x`, `models` for its `__init__.py`, `` for the package."""
        parts = self.path.removesuffix(".py").split("/")
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@dataclass(frozen=True)
class ParsedBundle:
    """What could be read of a bundle, and what was refused."""

    python: Mapping[str, SourceFile]
    documents: Mapping[str, Any]
    findings: tuple[Finding, ...]
    folders: frozenset[str] = field(default_factory=frozenset)

    @property
    def product(self) -> tuple[SourceFile, ...]:
        """The Python files without the node's own tests, in order of path."""
        return tuple(source for source in self.python.values() if not source.is_test)

    def by_module(self, module: str) -> SourceFile | None:
        """The file of a dotted module name below the package."""
        stem = module.replace(".", "/")
        return self.python.get(f"{stem}.py") or self.python.get(f"{stem}/__init__.py" if stem else "__init__.py")


def parse_bundle(bundle: NodeBundle) -> ParsedBundle:
    """Read every Python and YAML file. Never raises for what a file contains."""
    python: dict[str, SourceFile] = {}
    documents: dict[str, Any] = {}
    findings: list[Finding] = []
    for path in sorted(bundle.files):
        content = bundle.files[path]
        if len(content) > MAX_FILE_BYTES:
            findings.append(Finding(path, 0, f"{len(content)} bytes; at most {MAX_FILE_BYTES} are allowed"))
        elif path.endswith(".py"):
            source, problems = parse_python(path, content)
            findings.extend(problems)
            if source:
                python[path] = source
        elif path.endswith((".yaml", ".yml")):
            document, problem = parse_yaml(path, content)
            documents[path] = document
            findings.extend([problem] if problem else [])
    if not python.get("node.py") and "node.py" not in {f.file for f in findings}:
        findings.append(Finding("node.py", 0, "the file is missing"))
    elif "node.py" in python and not any(not isinstance(s, ast.Expr) for s in python["node.py"].tree.body):
        findings.append(Finding("node.py", 0, "the file is empty"))
    folders = frozenset(p.rsplit("/", 1)[0].replace("/", ".") for p in bundle.files if "/" in p and p.endswith(".py"))
    return ParsedBundle(python, documents, tuple(findings), folders)


def parse_python(path: str, content: bytes) -> tuple[SourceFile | None, tuple[Finding, ...]]:
    """Parse one file from its bytes; what could deceive a reader or a tool is refused before the parser sees it."""
    problems = tuple(_byte_findings(path, content))
    if problems:
        return None, problems
    text = content.decode("utf-8")
    problems = tuple(_character_findings(path, text))
    if problems:
        return None, problems
    tree, problem = _syntax_tree(path, content)
    if tree is None:
        return None, (problem,) if problem else ()
    nodes = _walked(tree)
    if nodes is None:
        return None, (Finding(path, 0, f"is nested deeper than {MAX_TREE_DEPTH} levels"),)
    problems = () if text.isascii() else tuple(_identifier_findings(path, text))
    if problems:
        return None, problems
    return SourceFile(path, text, tree, nodes), ()


def parse_yaml(path: str, content: bytes) -> tuple[Any, Finding | None]:
    """Load one document safely: no tags, no aliases, no duplicate keys, bounded depth."""
    try:
        text = content.decode("utf-8")
        problem = _yaml_events_problem(path, text)
        if problem:
            return None, problem
        loader = _YAML_LOADER(text)
        try:
            node = loader.get_single_node()
            duplicate = next(_duplicate_keys(node), None)
            if duplicate:
                key, line = duplicate
                return None, Finding(path, line, f"the key {key!r} occurs twice")
            return (loader.construct_document(node) if node else None), None
        finally:
            loader.dispose()
    except UnicodeDecodeError as exc:
        return None, Finding(path, 0, f"is not valid UTF-8 (byte {exc.start})")
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        reason = getattr(exc, "problem", None) or type(exc).__name__
        return None, Finding(path, mark.line + 1 if mark else 0, f"is not valid YAML: {reason}")
    except (RecursionError, MemoryError, ValueError, OverflowError) as exc:
        return None, Finding(path, 0, f"cannot be read as YAML: {type(exc).__name__}")


def _byte_findings(path: str, content: bytes) -> Iterator[Finding]:
    if content.startswith(_BYTE_ORDER_MARKS):
        yield Finding(path, 1, "starts with a byte order mark")
        return
    if b"\0" in content:
        yield Finding(path, _line_of(content, content.index(b"\0")), "contains a NUL byte")
        return
    for number, line in enumerate(_LINE_END.split(content, maxsplit=2)[:2], start=1):
        cookie = _CODING_COOKIE.match(line)
        if cookie and cookie[1].lower() not in _UTF8_COOKIES:
            yield Finding(path, number, f"declares the encoding {cookie[1].decode('latin-1')!r}; only UTF-8 is allowed")
            return
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as exc:
        yield Finding(path, _line_of(content, exc.start), "is not valid UTF-8")


def _line_of(content: bytes, offset: int) -> int:
    return len(_LINE_END.split(content[:offset]))


def _character_findings(path: str, text: str) -> Iterator[Finding]:
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if line.isprintable():
            continue
        for char in line:
            is_control = unicodedata.category(char) == "Cc" and char != "\t"
            if is_control or char in _DECEPTIVE_CHARACTERS:
                yield Finding(path, number, f"contains the hidden character U+{ord(char):04X}")
                return


def _syntax_tree(path: str, content: bytes) -> tuple[ast.Module | None, Finding | None]:
    try:
        with _PARSE_LOCK, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(content, filename=path)
    except SyntaxError as exc:
        return None, Finding(path, exc.lineno or 0, f"syntax error: {exc.msg}")
    except (RecursionError, MemoryError):
        return None, Finding(path, 0, "is nested too deeply to be parsed")
    except (ValueError, OverflowError) as exc:
        return None, Finding(path, 0, f"cannot be parsed: {exc}")
    return tree, None


def _walked(tree: ast.Module) -> tuple[ast.AST, ...] | None:
    """Every node, level by level; None of a tree that is too deep."""
    level: list[ast.AST] = [tree]
    found = list(level)
    for _ in range(MAX_TREE_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return tuple(found)
        found.extend(level)
    return None


def _identifier_findings(path: str, text: str) -> Iterator[Finding]:
    """Non-ASCII identifiers: Python normalises them, so two that look different may be one name, or the reverse."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.NAME and not token.string.isascii():
                yield Finding(path, token.start[0], f"the name {token.string[:40]!r} is not plain ASCII")
                return
    except (tokenize.TokenError, SyntaxError) as exc:
        yield Finding(path, 0, f"cannot be read as tokens: {exc}")


def _yaml_events_problem(path: str, text: str) -> Finding | None:
    """Aliases and depth, from the event stream: composing very deep YAML crashes the C loader."""
    depth = 0
    events: Iterator[Any] = yaml.parse(text, Loader=_YAML_LOADER)
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            return Finding(path, line, "uses a YAML anchor or alias")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_YAML_DEPTH:
                return Finding(path, line, f"is nested deeper than {MAX_YAML_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return None


def _duplicate_keys(node: Any) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                yield name, key.start_mark.line + 1
            seen.add(name)
            yield from _duplicate_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _duplicate_keys(value)
