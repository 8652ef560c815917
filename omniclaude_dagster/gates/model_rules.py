"""G12: the node's Pydantic models, read from the syntax trees of all files. Building them is the sandbox's part."""

import ast
from collections.abc import Iterator, Mapping

from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.onex_rules import MODEL_CLASS_PATTERN
from omniclaude_dagster.gates.source import Finding, SourceFile
from omniclaude_dagster.gates.symbols import bound_names, import_table, resolved

_MODEL_BASES = frozenset({"pydantic.BaseModel", "pydantic.RootModel"})
_V1_IMPORTS = frozenset({"pydantic.validator", "pydantic.root_validator"})
_V1_METHODS = frozenset({"dict", "parse_obj", "parse_raw", "update_forward_refs", "from_orm", "construct"})
# `.json()` is how an HTTP response is read, so it is v1 style only inside models.
_V1_MODEL_METHODS = frozenset({*_V1_METHODS, "json", "schema"})
# Makes a model whose values nobody checked.
_UNCHECKED = "model_construct"
_MUTABLE_LITERALS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_MUTABLE_CALLS = frozenset({"list", "dict", "set", "bytearray", "collections.defaultdict", "collections.deque"})


def model_findings(ctx: NodeContext) -> Iterator[Finding]:
    """Every violation in models/, Pydantic v1 style anywhere, and models that are not exported."""
    open_models = _open_models(ctx)
    for source in ctx.parsed.product:
        is_model_file = source.path.startswith("models/")
        yield from _v1_findings(source, _V1_MODEL_METHODS if is_model_file else _V1_METHODS)
        yield from _unchecked_findings(source)
        if is_model_file:
            for node in source.tree.body:
                if isinstance(node, ast.ClassDef):
                    yield from _class_findings(source, node, is_open=node.name in open_models)
    yield from _export_findings(ctx)


def _open_models(ctx: NodeContext) -> frozenset[str]:
    """Models that may leave unknown keys out, because a given schema allows them: the manifest names them."""
    manifest = ctx.parsed.documents.get("node.manifest.yaml")
    named = manifest.get("open_models") if isinstance(manifest, dict) else None
    return frozenset(name for name in named if isinstance(name, str)) if isinstance(named, list) else frozenset()


def _v1_findings(source: SourceFile, methods: frozenset[str]) -> Iterator[Finding]:
    table = import_table(source)
    for local, target in table.items():
        if target in _V1_IMPORTS or target.startswith("pydantic.v1"):
            line = next((n.lineno for n in source.nodes if isinstance(n, ast.ImportFrom | ast.Import)), 0)
            yield Finding(source.path, line, f"{local} is Pydantic v1 style ({target})")
    for node in source.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods:
            is_known_other = (resolved(node.func, table) or "").startswith(("json.", "copy."))
            if not is_known_other:
                yield Finding(source.path, node.lineno, f".{node.func.attr}() is Pydantic v1 style")


def _unchecked_findings(source: SourceFile) -> Iterator[Finding]:
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and node.attr == _UNCHECKED:
            yield Finding(source.path, node.lineno, f"{_UNCHECKED} makes a model without checking its values")


def _class_findings(source: SourceFile, node: ast.ClassDef, *, is_open: bool) -> Iterator[Finding]:
    table = import_table(source)
    bases = [resolved(b.value if isinstance(b, ast.Subscript) else b, table) or "" for b in node.bases]
    is_model = any(b in _MODEL_BASES or MODEL_CLASS_PATTERN.match(b.rpartition(".")[2]) for b in bases)
    if not is_model:
        yield Finding(source.path, node.lineno, f"{node.name} does not extend pydantic.BaseModel")
        return
    if not any(_is_model_config(s, table) for s in node.body):
        yield Finding(source.path, node.lineno, f"{node.name} has no model_config = ConfigDict(...)")
    if "pydantic.BaseModel" in bases and not any(_is_field(statement) for statement in node.body):
        yield Finding(source.path, node.lineno, f"{node.name} has no fields")
    for statement in node.body:
        yield from _statement_findings(source, node, statement, table, is_open=is_open)


def _is_model_config(statement: ast.stmt, table: Mapping[str, str]) -> bool:
    return (
        _target_name(statement) == "model_config"
        and isinstance(statement, ast.Assign | ast.AnnAssign)
        and isinstance(statement.value, ast.Call)
        and resolved(statement.value.func, table) == "pydantic.ConfigDict"
    )


def _is_field(statement: ast.stmt) -> bool:
    name = _target_name(statement)
    return isinstance(statement, ast.AnnAssign) and name not in {None, "model_config"} and not str(name).startswith("_")


def _target_name(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target: ast.expr = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign):
        target = statement.target
    else:
        return None
    return target.id if isinstance(target, ast.Name) else None


def _statement_findings(
    source: SourceFile, node: ast.ClassDef, statement: ast.stmt, table: Mapping[str, str], *, is_open: bool
) -> Iterator[Finding]:
    name = _target_name(statement)
    allowed = {"forbid", "ignore"} if is_open else {"forbid"}
    where = f"{node.name}.{name}"
    if isinstance(statement, ast.ClassDef) and statement.name == "Config":
        yield Finding(source.path, statement.lineno, f"{node.name} has a class Config (Pydantic v1 style)")
    if name == "model_config" and isinstance(statement, ast.Assign | ast.AnnAssign):
        if _extra(statement.value) not in allowed and not _is_root_model(node, table):
            message = f"{node.name} does not refuse unknown fields; use ConfigDict(extra='forbid', ...)"
            yield Finding(source.path, statement.lineno, message)
    elif isinstance(statement, ast.Assign) and name and not name.startswith("_"):
        yield Finding(source.path, statement.lineno, f"{where} has no type")
    elif isinstance(statement, ast.AnnAssign) and name:
        if _mentions_any(statement.annotation, table):
            yield Finding(source.path, statement.lineno, f"{where} is typed Any")
        if _is_mutable_default(statement.value, table):
            yield Finding(source.path, statement.lineno, f"{where} has a mutable default; use default_factory")


def _extra(value: ast.expr | None) -> object:
    """What a model's configuration says about unknown keys."""
    keywords = value.keywords if isinstance(value, ast.Call) else []
    said = [k.value.value for k in keywords if k.arg == "extra" and isinstance(k.value, ast.Constant)]
    return said[-1] if said else None


def _is_root_model(node: ast.ClassDef, table: Mapping[str, str]) -> bool:
    """A root model has no fields of its own, and Pydantic refuses `extra` for it."""
    bases = [b.value if isinstance(b, ast.Subscript) else b for b in node.bases]
    return any(resolved(base, table) == "pydantic.RootModel" for base in bases)


def _mentions_any(annotation: ast.expr, table: Mapping[str, str]) -> bool:
    for node in ast.walk(annotation):
        if resolved(node, table) in {"typing.Any", "Any", "typing_extensions.Any"}:
            return True
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "Any" in node.value.split("["):
            return True
    return False


def _is_mutable_default(value: ast.expr | None, table: Mapping[str, str]) -> bool:
    if isinstance(value, _MUTABLE_LITERALS):
        return True
    if not isinstance(value, ast.Call):
        return False
    called = resolved(value.func, table)
    if called in _MUTABLE_CALLS:
        return True
    if called != "pydantic.Field":
        return False
    defaults = [*value.args[:1], *(k.value for k in value.keywords if k.arg == "default")]
    return any(_is_mutable_default(default, table) for default in defaults)


def _export_findings(ctx: NodeContext) -> Iterator[Finding]:
    package = ctx.parsed.python.get("models/__init__.py")
    sources = [s for s in ctx.parsed.product if s.path.startswith("models/") and not s.path.endswith("__init__.py")]
    if package is None:
        if "models/__init__.py" not in ctx.bundle.files:
            yield Finding("models/__init__.py", 0, "the file is missing")
        return
    exported = bound_names(package)
    for source in sources:
        for node in source.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and node.name not in exported:
                yield Finding("models/__init__.py", 0, f"does not export {node.name}")
