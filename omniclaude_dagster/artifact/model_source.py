"""Builds the files of a node's models and enums as syntax trees, so that no text of a person can become code.

Types and defaults are parsed, names and literals are nodes; `ast.unparse` writes them and ruff formats them.
The one escape is `_verbatim`, for literals whose spelling matters (raw patterns, ASCII text).
"""

import ast
from collections.abc import Iterable, Sequence

from omniclaude_dagster.artifact.literals import docstring, enum_member, python_literal, raw_literal
from omniclaude_dagster.artifact.model_graph import ModelGraph
from omniclaude_dagster.node.blueprint import EnumSpec, FieldSpec, ModelSpec
from omniclaude_dagster.request import naming

# Functions of checks.py.
CHECKS = frozenset({"unique_items", "one_of"})
_PATTERNS = frozenset({"pattern"})


def model_source(model: ModelSpec, graph: ModelGraph) -> str:
    """The file of one model."""
    return _ModelFile(model, graph).source()


def enum_source(enum: EnumSpec) -> str:
    """The file of one enum."""
    members = enum.members or tuple(enum_member(value) for value in enum.values)
    body: list[ast.stmt] = [_docstring(enum.description)]
    values = [_text(v) if enum.base == "StrEnum" else _literal(int(v)) for v in enum.values]
    body += [_assign(name, value) for name, value in zip(members, values, strict=True)]
    parts: list[list[ast.stmt]] = [
        [_docstring(enum.description)],
        [_import("enum", [enum.base])],
        [_class(enum.class_name, enum.base, body)],
    ]
    return _module(parts, before_class=2)


def package_source(title: str, exports: Iterable[tuple[str, str]], *, unfinished: Sequence[str] = ()) -> str:
    """`__init__.py` of models or enums: re-exports, and the completion of models that wait for one another."""
    pairs = sorted(exports)
    parts: list[list[ast.stmt]] = [
        [_docstring(title)],
        [_import(module, [name], level=1) for module, name in pairs],
        [ast.Expr(ast.Call(ast.Attribute(ast.Name(name), "model_rebuild"), [], [])) for name in unfinished],
    ]
    # With a trailing comma every name keeps a line of its own.
    listed = "".join(f"    {python_literal(name)},\n" for name in sorted(name for _, name in pairs))
    return _module(parts) + f"\n__all__ = [\n{listed}]\n"


class _ModelFile:
    def __init__(self, model: ModelSpec, graph: ModelGraph) -> None:
        self._model = model
        self._names = frozenset[str]().union(*(f.names for f in model.fields))
        others = {n for n in self._names if n in graph.mentions and n != model.class_name}
        self._late = sorted(n for n in others if graph.is_circular(model.class_name, n))
        self._local = sorted(others.difference(self._late))
        self._is_postponed = bool(self._late) or model.class_name in self._names
        # `date: date` hides the type from the fields below it, and from a type checker at once.
        fields = {f.name for f in model.fields}
        symbols = {symbol for f in model.fields for _, symbol in f.imports}
        self._renamed = {symbol: f"{symbol}_type" for symbol in symbols & fields}

    def source(self) -> str:
        model = self._model
        body: list[ast.stmt] = [_docstring(model.description), self._config(), *map(self._field, model.fields)]
        future: list[ast.stmt] = [_import("__future__", ["annotations"])] if self._is_postponed else []
        standard, pydantic = self._imports()
        parts: list[list[ast.stmt]] = [
            [_docstring(model.description)],
            future,
            standard,
            pydantic,
            self._local_imports(),
            self._type_checking(),
            [_class(model.class_name, "BaseModel", body)],
        ]
        return _module(parts, before_class=2)

    def _imports(self) -> tuple[list[ast.stmt], list[ast.stmt]]:
        by_module: dict[str, set[str]] = {}
        for module, symbol in {pair for f in self._model.fields for pair in f.imports}:
            by_module.setdefault(module, set()).add(symbol)
        pydantic = {"BaseModel", "ConfigDict"} | by_module.pop("pydantic", set())
        if any(_needs_field(f) for f in self._model.fields):
            pydantic.add("Field")
        if self._late:
            by_module.setdefault("typing", set()).add("TYPE_CHECKING")
        standard: list[ast.stmt] = [
            _import(module, sorted(names, key=_import_order), renamed=self._renamed)
            for module, names in sorted(by_module.items())
        ]
        return standard, [_import("pydantic", sorted(pydantic), renamed=self._renamed)]

    def _local_imports(self) -> list[ast.stmt]:
        enums = sorted({name for f in self._model.fields for name in f.enums})
        checks = sorted(CHECKS & self._names)
        return [
            *([_import("checks", checks, level=2)] if checks else []),
            *([_import("enums", enums, level=2)] if enums else []),
            *(_import(naming.snake_case(name), [name], level=1) for name in self._local),
        ]

    def _type_checking(self) -> list[ast.stmt]:
        imports: list[ast.stmt] = [_import(naming.snake_case(name), [name], level=1) for name in self._late]
        return [ast.If(ast.Name("TYPE_CHECKING"), imports, [])] if imports else []

    def _config(self) -> ast.stmt:
        options: list[tuple[str, object]] = [("extra", self._model.extra), ("frozen", True)]
        if any(f.alias is not None for f in self._model.fields):
            options += [("validate_by_name", True), ("serialize_by_alias", True)]
        if self._model.regex_engine != "rust-regex":
            options.append(("regex_engine", self._model.regex_engine))
        return _assign("model_config", _call("ConfigDict", [(k, _literal(v)) for k, v in options]))

    def _field(self, field: FieldSpec) -> ast.stmt:
        return ast.AnnAssign(ast.Name(field.name), self._parsed(field.type), self._value(field), 1)

    def _value(self, field: FieldSpec) -> ast.expr | None:
        if not _needs_field(field):
            return None if field.default is None else self._parsed(field.default)
        arguments: list[tuple[str, ast.expr]] = []
        if field.default is not None:
            arguments.append(("default_factory" if _is_factory(field) else "default", self._parsed(field.default)))
        if field.alias is not None:
            # Not `alias`: a type checker would want it as the name of the argument.
            arguments += [(f"{role}_alias", _text(field.alias)) for role in ("validation", "serialization")]
        arguments += [(name, _constraint(name, value)) for name, value in field.constraints.items()]
        if field.description:
            arguments.append(("description", _text(field.description)))
        return _call("Field", arguments)

    def _parsed(self, source: str) -> ast.expr:
        tree = ast.parse(source, mode="eval").body
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                node.id = self._renamed.get(node.id, node.id)
            elif isinstance(node, ast.keyword) and node.arg in _PATTERNS and isinstance(node.value, ast.Constant):
                node.value = _verbatim(raw_literal(str(node.value.value)))
        return _Spelled().visit(tree)  # type: ignore[no-any-return]


class _Spelled(ast.NodeTransformer):
    """Text in types and defaults is written in ASCII, so that a reader sees every character there is."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """One literal."""
        return _text(node.value) if isinstance(node.value, str) else node


def _needs_field(field: FieldSpec) -> bool:
    return bool(field.constraints or field.description or field.alias is not None) or _is_factory(field)


def _is_factory(field: FieldSpec) -> bool:
    return field.default in {"dict", "list"} or (field.default or "").startswith("lambda")


def _constraint(name: str, value: object) -> ast.expr:
    return _verbatim(raw_literal(value)) if name in _PATTERNS and isinstance(value, str) else _literal(value)


def _verbatim(source: str) -> ast.expr:
    """A literal that unparses exactly as it is spelled. Only for what `literals` made."""
    return ast.Name(source)


def _text(value: object) -> ast.expr:
    return _verbatim(python_literal(value)) if isinstance(value, str) else _literal(value)


def _literal(value: object) -> ast.expr:
    return _verbatim(python_literal(value)) if isinstance(value, str) else ast.parse(repr(value), mode="eval").body


def _import_order(name: str) -> tuple[bool, bool, str]:
    """Constants, then classes, then functions, as the linter sorts them."""
    is_constant = name.isupper() and len(name) > 1 and name != "UUID"
    return not is_constant, not name[:1].isupper(), name


def _import(
    module: str, names: Sequence[str], *, level: int = 0, renamed: dict[str, str] | None = None
) -> ast.ImportFrom:
    return ast.ImportFrom(module, [ast.alias(name, (renamed or {}).get(name)) for name in names], level)


def _assign(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name)], value)


def _call(function: str, arguments: Iterable[tuple[str, ast.expr]]) -> ast.expr:
    return ast.Call(ast.Name(function), [], [ast.keyword(name, value) for name, value in arguments])


def _class(name: str, base: str, body: list[ast.stmt]) -> ast.stmt:
    return ast.ClassDef(name, [ast.Name(base)], [], body, [], type_params=[])


def _docstring(text: str) -> ast.stmt:
    return ast.Expr(_verbatim(f'"""{docstring(text)}"""'))


def _module(parts: Sequence[list[ast.stmt]], *, before_class: int = 1) -> str:
    """The parts with an empty line between them, two before a class, as a Python reader expects."""
    texts = [_unparsed(part) for part in parts if part]
    if before_class == 2 and len(texts) > 1:
        texts = [*texts[:-2], f"{texts[-2]}\n", *texts[-1:]]
    return "\n\n".join(texts) + "\n"


def _unparsed(statements: list[ast.stmt]) -> str:
    module = ast.fix_missing_locations(ast.Module(list(statements), []))
    text = ast.unparse(module)
    # One empty line around a class's docstring and its configuration, as written by hand.
    lines: list[str] = []
    for line in text.split("\n"):
        lines.append(line)
        if line.startswith('    """') or line.startswith("    model_config = "):
            lines.append("")
    return "\n".join(lines).strip("\n")
