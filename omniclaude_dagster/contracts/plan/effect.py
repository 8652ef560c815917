"""Plans EFFECT nodes: which system they work on, with which operations and which models.

PostgreSQL, HTTP APIs and files get working bodies; any other system becomes a scaffold that says so.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from omniclaude_dagster.contracts.plan.common import (
    PlanInput,
    checked_field_name,
    fields_from_examples,
    fields_from_hints,
    sample_from_fields,
)
from omniclaude_dagster.node.blueprint import EnumSpec, FieldSpec, Logic, ModelSpec, NodeBlueprint
from omniclaude_dagster.request import naming

SUPPORTED_SYSTEMS = {"PostgreSQL": "postgresql", "HTTP API": "http_api", "Files": "files"}
_WRITING = frozenset({"insert", "upsert", "update"})
_CLIENT_IMPORTS = {"PostgreSQL": (("psycopg", "AsyncConnection"),), "HTTP API": (("httpx", "AsyncClient"),)}
_TABLE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$"
# Fields of a PostgreSQL node's input that are no columns.
CONTROL_FIELDS = frozenset({"operation", "table", "values", "match", "conflict_columns", "limit"})

# Operation of the generated node -> words that ask for it.
_POSTGRESQL_WORDS: dict[str, tuple[str, ...]] = {
    "insert": ("insert", "write", "writes", "writer", "store", "stores", "save", "saves", "create", "add", "persist"),
    "upsert": ("upsert", "upserts", "merge"),
    "update": ("update", "updates", "modify", "modifies"),
    "delete": ("delete", "deletes", "remove", "removes"),
    "select": ("read", "reads", "reader", "select", "query", "queries", "fetch", "fetches", "load", "loads", "lookup"),
}
_FILE_WORDS: dict[str, tuple[str, ...]] = {
    "write": ("write", "writes", "writer", "save", "saves", "store", "stores", "export", "exports"),
    "read": ("read", "reads", "reader", "load", "loads", "import", "imports", "parse"),
    "append": ("append", "appends", "log", "logs"),
    "delete": ("delete", "deletes", "remove", "removes"),
    "list": ("list", "lists", "scan", "scans"),
}
_HTTP_WORDS: dict[str, tuple[str, ...]] = {
    "GET": ("get", "fetch", "fetches", "read", "reads", "call", "calls", "query", "download", "poll", "retrieve"),
    "POST": ("post", "send", "sends", "create", "submit", "submits", "notify", "webhook", "push", "call", "calls"),
    "PUT": ("put", "update", "updates", "replace"),
    "PATCH": ("patch", "modify"),
    "DELETE": ("delete", "deletes", "remove", "removes"),
}


@dataclass(frozen=True)
class _Flavour:
    """What distinguishes one system's nodes."""

    words: dict[str, tuple[str, ...]]
    requirements: tuple[str, ...]
    environment: dict[str, str]


_FLAVOURS: dict[str, _Flavour] = {
    "postgresql": _Flavour(
        _POSTGRESQL_WORDS,
        ("psycopg[binary]>=3.2,<4",),
        {"POSTGRES_DSN": "connection string, for example postgresql://user:password@host:5432/database"},
    ),
    "http_api": _Flavour(
        _HTTP_WORDS,
        ("httpx>=0.28,<0.29",),
        {
            "HTTP_API_BASE_URL": "address of the API, for example https://api.example.com",
            "HTTP_API_TOKEN": "bearer token, if the API wants one",
        },
    ),
    "files": _Flavour(
        _FILE_WORDS, (), {"FILES_ROOT": "folder below which the node may read and write; default: ./data"}
    ),
}


def client_imports(systems: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """`(module, symbol)` pairs that nodes for these systems need beside the framework (gate G4)."""
    return tuple(pair for system in systems for pair in _CLIENT_IMPORTS.get(system, ()))


def plan_effect(plan: PlanInput) -> NodeBlueprint:
    """Blueprint of an EFFECT node."""
    systems = plan.parsed.external_systems
    flavours = [SUPPORTED_SYSTEMS[s] for s in systems if s in SUPPORTED_SYSTEMS]
    if len(systems) != 1 or not flavours:
        return _scaffold(plan)
    flavour = flavours[0]
    described = _FLAVOURS[flavour]
    operations = _asked_operations(plan, described.words)
    enum = EnumSpec(f"Enum{plan.stem}Operation", f"Operations of {plan.stem}.", operations)
    build = {"postgresql": _postgresql_models, "http_api": _http_models, "files": _file_models}[flavour]
    input_model, output_model, sample = build(plan, enum)
    return _blueprint(
        plan,
        flavour=flavour,
        input_model=input_model,
        output_model=output_model,
        sample=sample,
        enums=(enum,),
        operations=operations,
        described=described,
    )


def _asked_operations(plan: PlanInput, words: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    text = plan.request.prompt.lower()
    said = set(re.findall(r"[a-z]+", " ".join([text, *plan.parsed.operations]).replace("_", " ")))
    # "Create an EFFECT node" asks for a node, not for an insert.
    leading = re.match(r"\s*(?:please\s+)?([a-z]+)", text)
    if leading and leading[1] in {"create", "add", "write", "post"} and text.count(leading[1]) == 1:
        said.discard(leading[1])
    asked = tuple(operation for operation, verbs in words.items() if said.intersection(verbs))
    if not asked or "crud" in said:
        return tuple(words)
    if "upsert" in asked and "insert" in asked and not said.intersection({"insert", "store", "save", "add"}):
        return tuple(operation for operation in asked if operation != "insert")
    return asked


def _operation_field(enum: EnumSpec) -> FieldSpec:
    first = member_name(enum.values[0])
    return FieldSpec("operation", enum.class_name, "What to do.", f"{enum.class_name}.{first}")


def member_name(value: str) -> str:
    """Enum member for a value: `select` -> `SELECT`."""
    return naming.snake_case(value).upper() if not value.isupper() else value


def _postgresql_models(plan: PlanInput, enum: EnumSpec) -> tuple[ModelSpec, ModelSpec, dict[str, object]]:
    columns = _column_fields(plan) if _WRITING.intersection(enum.values) else ()
    # A node that knows its columns knows whose they are; a person can still name another table.
    table = FieldSpec("table", "str", "Table, with its schema if it is not on the search path.",
                      default=f'"{_table_name(plan)}"' if columns else None,
                      constraints={"pattern": _TABLE_PATTERN})  # fmt: skip
    conflict_default = _conflict_column(columns)
    fields: list[FieldSpec] = [table, *columns, _operation_field(enum)]
    if not columns:
        fields.append(FieldSpec("values", "dict[str, JsonValue]", "Column values to write.", "dict"))
    fields.append(FieldSpec("match", "dict[str, JsonValue]", "Columns that select the rows, by equality.", "dict"))
    fields.append(FieldSpec("conflict_columns", "list[str]", "Columns that make an upsert's row unique.",
                            f'lambda: ["{conflict_default}"]' if conflict_default else "list"))  # fmt: skip
    fields.append(FieldSpec("limit", "int", "Most rows a select returns.", "100", {"ge": 1, "le": 10_000}))
    input_model = ModelSpec(plan.model_class("Input"), f"One database operation of {plan.stem}.", tuple(fields))
    output_model = ModelSpec(
        plan.model_class("Output"),
        f"What the operation of {plan.stem} did.",
        (
            FieldSpec("operation", enum.class_name, "What was done."),
            FieldSpec(_rows_field(plan), "int", "Rows written, deleted or read.", constraints={"ge": 0}),
            FieldSpec("rows", "list[dict[str, JsonValue]]", "Rows a select returned.", "list"),
        ),
    )
    sample: dict[str, object] = {"table": "records", **sample_from_fields(columns)}
    if not columns:
        sample["values"] = {"id": 1, "name": "example"}
    first = enum.values[0]
    if first in {"update", "delete"}:
        sample["match"] = {"id": 1}
    if first == "upsert" and not conflict_default:
        sample["conflict_columns"] = ["id"]
    return input_model, output_model, sample


def _column_fields(plan: PlanInput) -> tuple[FieldSpec, ...]:
    shown = [{k: v for k, v in e.input.items() if k not in CONTROL_FIELDS} for e in plan.examples]
    from_examples = fields_from_examples([row for row in shown if row])
    named = {f.name: f for f in (*from_examples, *fields_from_hints(plan.parsed)) if f.name not in CONTROL_FIELDS}
    return tuple(named.values())


def _table_name(plan: PlanInput) -> str:
    """What the first operation works on (`write_orders` -> `orders`), or else the node's name."""
    _, _, noun = (plan.parsed.operations or ("",))[0].partition("_")
    name = noun if re.fullmatch(r"[a-z][a-z0-9_]{0,62}", noun) else naming.snake_case(plan.stem)
    return name[:63]


def _rows_field(plan: PlanInput) -> str:
    """Name of the count of rows: the one the examples give it (`rows_written`), or `rows_affected`."""
    shown = [name for e in plan.examples for name, value in (e.output or {}).items() if type(value) is int]
    return next((checked_field_name(name) for name in shown if "rows" in name.split("_")), "rows_affected")


def _conflict_column(columns: Iterable[FieldSpec]) -> str | None:
    names = [f.name for f in columns]
    return next((n for n in names if n == "id" or n.endswith("_id")), None)


def _http_models(plan: PlanInput, enum: EnumSpec) -> tuple[ModelSpec, ModelSpec, dict[str, object]]:
    input_model = ModelSpec(
        plan.model_class("Input"),
        f"One call of {plan.stem}.",
        (
            FieldSpec("path", "str", "Path below the base address.", constraints={"pattern": r"^/[^\s?#]*$"}),
            _operation_field(enum),
            FieldSpec("query", "dict[str, str]", "Query parameters.", "dict"),
            FieldSpec("headers", "dict[str, str]", "Additional headers.", "dict"),
            FieldSpec("body", "JsonValue", "JSON body, if the call has one.", "None"),
        ),
    )
    output_model = ModelSpec(
        plan.model_class("Output"),
        f"What the API answered to {plan.stem}.",
        (
            FieldSpec("status_code", "int", "HTTP status.", constraints={"ge": 100, "le": 599}),
            FieldSpec("body", "JsonValue", "Decoded JSON, or the text.", "None"),
            FieldSpec("attempts", "int", "Requests that were sent.", "1", {"ge": 1}),
        ),
    )
    return input_model, output_model, {"path": "/items"}


def _file_models(plan: PlanInput, enum: EnumSpec) -> tuple[ModelSpec, ModelSpec, dict[str, object]]:
    input_model = ModelSpec(
        plan.model_class("Input"),
        f"One file operation of {plan.stem}.",
        (
            FieldSpec("path", "str", "Path below the root folder.", constraints={"min_length": 1, "max_length": 1024}),
            _operation_field(enum),
            FieldSpec("content", "str", "Text to write or append.", '""'),
        ),
    )
    output_model = ModelSpec(
        plan.model_class("Output"),
        f"What the file operation of {plan.stem} did.",
        (
            FieldSpec("path", "str", "Path below the root folder."),
            FieldSpec("size_bytes", "int", "Size of the file after the operation.", constraints={"ge": 0}),
            FieldSpec("sha256", "str", "Hash of the content, empty after a delete or list.", '""'),
            FieldSpec("content", "str", "Text that was read.", '""'),
            FieldSpec("entries", "list[str]", "Names in a listed folder.", "list"),
        ),
    )
    path = "." if enum.values[0] == "list" else "example.txt"
    return input_model, output_model, {"path": path, "content": "example"}


def _scaffold(plan: PlanInput) -> NodeBlueprint:
    inputs = fields_from_examples([e.input for e in plan.examples]) or fields_from_hints(plan.parsed)
    outputs = fields_from_examples([e.output for e in plan.examples if e.output is not None])
    input_fields = inputs or (FieldSpec("payload", "dict[str, JsonValue]", "What the operation works on.", "dict"),)
    output_fields = outputs or (FieldSpec("result", "dict[str, JsonValue]", "What the operation gave.", "dict"),)
    return _blueprint(
        plan,
        flavour="scaffold",
        input_model=ModelSpec(plan.model_class("Input"), f"Input of {plan.stem}.", input_fields),
        output_model=ModelSpec(plan.model_class("Output"), f"Output of {plan.stem}.", output_fields),
        sample=sample_from_fields(inputs),
        enums=(),
        operations=("perform",),
        described=_Flavour({}, (), {}),
    )


def _blueprint(
    plan: PlanInput,
    *,
    flavour: str,
    input_model: ModelSpec,
    output_model: ModelSpec,
    sample: dict[str, object],
    enums: tuple[EnumSpec, ...],
    operations: tuple[str, ...],
    described: _Flavour,
) -> NodeBlueprint:
    is_scaffold = flavour == "scaffold"
    logic = Logic(
        origin="scaffold" if is_scaffold else "template",
        function=plan.function_name if is_scaffold else "perform",
        template=None if is_scaffold else f"logic/effect_{flavour}.py.jinja2",
        detail=_why_scaffold(plan) if is_scaffold else f"template for {plan.parsed.external_systems[0]}",
    )
    blueprint = plan.blueprint(
        operations=operations,
        input_model=input_model,
        output_model=output_model,
        logic=logic,
        flavour=flavour,
        sample_input=sample,
    )
    return replace(
        blueprint,
        enums=enums,
        requirements=described.requirements,
        environment=described.environment,
        operation_values=() if is_scaffold else operations,
    )


def _why_scaffold(plan: PlanInput) -> str:
    systems = plan.parsed.external_systems
    if not systems:
        return "the request names no outside system that has a template"
    missing = [s for s in systems if s not in SUPPORTED_SYSTEMS]
    if missing:
        return f"there is no template yet for {', '.join(missing)}"
    return f"one node works on one outside system; the request names {', '.join(systems)}"
