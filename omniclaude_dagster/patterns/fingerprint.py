"""Equal numbers for equal work: the fingerprint of code whatever its names are, and the hash of a pattern's content.

A fingerprint reads the syntax tree, never its text, and does not depend on the version of Python. It is the same for
two bodies that differ only in comments, layout, docstrings, annotations, the names of functions, variables, parameters
and the node's own classes, or in how an import is written. Not here: whether the code is any good.
"""

import ast
import dataclasses
import hashlib
import json
import re
import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from omniclaude_dagster.patterns.code_names import (
    FUNCTIONS,
    Comprehension,
    Function,
    Imported,
    Meaning,
    Own,
    Scope,
    Scopes,
    Unbound,
    Variable,
    defaults_of,
    parameters_of,
)
from omniclaude_dagster.patterns.model import Pattern
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.request.understanding.python_text import NotPythonError, module_of

type Binding = ast.ExceptHandler | ast.MatchAs | ast.MatchStar | ast.MatchMapping

_VERSION = "1"
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNREAD_FIELDS = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
# Who made a pattern and when is not what it is.
_NOT_CONTENT = frozenset({"content_hash", "source", "request_id", "correlation_id", "created_at"})


def code_fingerprint(
    code: str,
    *,
    function: str,
    own_classes: Collection[str],
    node_kind: NodeKind,
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
) -> str:
    """SHA-256, in hex, over the kind, the fields with their types, and what the code does.

    Attribute and keyword names, constants and what is imported count; so do names that only the reader of a class
    sees. Raises NotPythonError (a ValueError) when the code cannot be read or does not hold `function` at its top.
    """
    try:
        module = module_of(code)
        reader = _Reader(own_classes)
        tokens = reader.tokens(module, function=function)
    except RecursionError:
        raise NotPythonError("the code is nested too deeply") from None
    fields = [_types(types, own_classes) for types in (inputs, outputs)]
    return _sha256([_VERSION, node_kind.value, *fields, tokens])


def content_hash(pattern: Pattern) -> str:
    """SHA-256, in hex, over everything that a pattern is: all fields but who made it, and when."""
    names = [field.name for field in dataclasses.fields(Pattern) if field.name not in _NOT_CONTENT]
    return _sha256({name: getattr(pattern, name) for name in names})


def canonical_json(value: Any) -> str:
    """One text for equal values: keys in order, ASCII. Raises ValueError for numbers that JSON does not have."""
    return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"), default=_plain)


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, uuid.UUID | datetime):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def _sha256(value: Any) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def _types(types: Mapping[str, str], own_classes: Collection[str]) -> dict[str, str]:
    """Field types, with one word for every class of the node's own."""
    own = frozenset(own_classes)
    return {name: _WORD.sub(lambda word: "*" if word[0] in own else word[0], type_) for name, type_ in types.items()}


class _Reader:
    """Writes a syntax tree down as a flat list of words; variables are numbered in the order of their appearance."""

    def __init__(self, own_classes: Collection[str]) -> None:
        self._scopes = Scopes(own_classes)
        self._labels: dict[Meaning, str] = {}
        self._written: list[str] = []

    def tokens(self, module: ast.Module, *, function: str) -> list[str]:
        scope = self._scopes.inside(None, module.body)
        asked = scope.bound.get(function)
        is_defined = any(isinstance(node, FUNCTIONS) and node.name == function for node in module.body)
        if asked is None or not is_defined:
            raise NotPythonError(f"the code defines no function {function} at its top")
        self._statements(module.body, scope)
        return [*self._written, self._label(asked)]

    def _label(self, meaning: Meaning) -> str:
        match meaning:
            case Imported(path=path):
                return f"import {path}"
            case Unbound(name=name):
                return f"name {name}"
            case Variable() | Own():
                return self._labels.setdefault(meaning, f"variable {len(self._labels)}")

    def _name(self, name: str, scope: Scope) -> None:
        self._written.append(self._label(self._scopes.meaning(name, scope)))

    def _statements(self, body: Iterable[ast.stmt], scope: Scope) -> None:
        self._written.append("[")
        for statement in body:
            if not _says_nothing(statement, scope):
                self._visit(statement, scope)
        self._written.append("]")

    def _visit(self, node: Any, scope: Scope) -> None:
        match node:
            case ast.Name(id=name):
                self._name(name, scope)
            case ast.Constant(value=value):
                self._written.append(_constant(value))
            case ast.Attribute():
                self._attribute(node, scope)
            case ast.AnnAssign(target=target, value=value) if not scope.is_class:
                # As if it had been written without the annotation.
                self._fields("Assign", [[target], value], scope)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, scope)
            case ast.Lambda():
                self._callable(node, [node.body], scope)
            case ast.ClassDef():
                self._class(node, scope)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                self._comprehension(node, scope)
            case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar() | ast.MatchMapping():
                self._binding(node, scope)
            case _:
                self._plain(node, scope)

    def _plain(self, node: Any, scope: Scope) -> None:
        """Nodes without names of their own, lists of nodes, operators, words."""
        if isinstance(node, ast.AST):
            values = [value for name, value in ast.iter_fields(node) if name not in _UNREAD_FIELDS]
            self._fields(type(node).__name__, values, scope)
        elif isinstance(node, list) and node and all(isinstance(item, ast.stmt) for item in node):
            self._statements(node, scope)
        elif isinstance(node, list):
            self._fields("", node, scope)
        else:
            self._written.append(f"word {node!r}")

    def _fields(self, name: str, values: Iterable[Any], scope: Scope) -> None:
        self._written.append(f"{name}(")
        for value in values:
            self._visit(value, scope)
        self._written.append(")")

    def _attribute(self, node: ast.Attribute, scope: Scope) -> None:
        """`math.sqrt` is what `from math import sqrt` binds; a class of the node's own is one under every path."""
        path = self._import_path(node, scope)
        if self._scopes.is_own(node.attr):
            self._written.append(self._label(Own(node.attr)))
        elif path is not None:
            self._written.append(self._label(Imported(path)))
        else:
            self._fields("Attribute", [node.value], scope)
            self._written.append(node.attr)

    def _import_path(self, node: ast.expr, scope: Scope) -> str | None:
        if isinstance(node, ast.Name):
            meaning = self._scopes.meaning(node.id, scope)
            return meaning.path if isinstance(meaning, Imported) else None
        if isinstance(node, ast.Attribute):
            path = self._import_path(node.value, scope)
            return f"{path}.{node.attr}" if path is not None else None
        return None

    def _function(self, node: Function, scope: Scope) -> None:
        self._written.append(type(node).__name__)
        self._name(node.name, scope)
        self._fields("decorators", node.decorator_list, scope)
        self._callable(node, node.body, scope)

    def _callable(self, node: Function | ast.Lambda, body: list[Any], scope: Scope) -> None:
        self._fields("defaults", defaults_of(node), scope)
        parameters = parameters_of(node)
        inner = self._scopes.inside(scope, body, parameters=[parameter.arg for parameter in parameters])
        arguments = node.args
        kinds = (len(arguments.posonlyargs), len(arguments.args), bool(arguments.vararg), len(arguments.kwonlyargs))
        self._written.append(f"parameters {kinds} {bool(arguments.kwarg)}")
        for parameter in parameters:
            self._name(parameter.arg, inner)
        if isinstance(node, ast.Lambda):
            self._visit(node.body, inner)
        else:
            self._statements(body, inner)

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        self._written.append("ClassDef")
        self._name(node.name, scope)
        self._fields("bases", [*node.decorator_list, *node.bases, *node.keywords], scope)
        self._statements(node.body, self._scopes.inside(scope, node.body, is_class=True))

    def _comprehension(self, node: Comprehension, scope: Scope) -> None:
        """The first iterable belongs to the scope around; the rest has one of its own."""
        first = node.generators[0]
        self._written.append(type(node).__name__)
        self._visit(first.iter, scope)
        targets = [generator.target for generator in node.generators]
        inner = self._scopes.inside(scope, targets)
        for generator in node.generators:
            rest = [*([] if generator is first else [generator.iter]), *generator.ifs]
            self._fields(f"for {generator.is_async}", [generator.target, *rest], inner)
        elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._fields("elements", elements, inner)

    def _binding(self, node: Binding, scope: Scope) -> None:
        name = node.rest if isinstance(node, ast.MatchMapping) else node.name
        if name is not None:
            self._name(name, scope)
        parts = [value for field, value in ast.iter_fields(node) if field not in {"name", "rest"}]
        self._fields(type(node).__name__, parts, scope)


def _says_nothing(statement: ast.stmt, scope: Scope) -> bool:
    """Docstrings and other bare values, imports (a name stands for its path), declarations, types of variables."""
    match statement:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.ImportFrom(names=[ast.alias(name="*")]):
            return False
        case ast.Import() | ast.ImportFrom() | ast.Global() | ast.Nonlocal():
            return True
        case ast.AnnAssign(value=None):
            return not scope.is_class
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"), orelse=[]):
            return True
        case _:
            return False


def _constant(value: Any) -> str:
    """With its type: 1, 1.0 and True are three things. Large numbers in hex, which has no limit of digits."""
    return f"{type(value).__name__} {hex(value) if type(value) is int else repr(value)}"
