"""PostgreSQL: rows written, changed and read by quoted names and bound values."""

import re
from collections.abc import Iterable
from typing import Any

from omniclaude_dagster.contracts.plan.common import (
    PlanInput,
    checked_field_name,
    fields_from_examples,
    fields_from_hints,
    sample_from_fields,
)
from omniclaude_dagster.contracts.plan.systems.model import System, SystemModels, operation_field
from omniclaude_dagster.node.blueprint import EnumSpec, FieldSpec, ModelSpec, NodeBlueprint
from omniclaude_dagster.request import naming

_WRITING = frozenset({"insert", "upsert", "update"})
_TABLE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$"
# Fields of the input that are no columns.
_CONTROL_FIELDS = frozenset({"operation", "table", "values", "match", "conflict_columns", "limit"})


def _models(plan: PlanInput, enum: EnumSpec) -> SystemModels:
    columns = _column_fields(plan) if _WRITING.intersection(enum.values) else ()
    # A node that knows its columns knows whose they are; a person can still name another table.
    table = FieldSpec("table", "str", "Table, with its schema if it is not on the search path.",
                      default=f'"{_table_name(plan)}"' if columns else None,
                      constraints={"pattern": _TABLE_PATTERN})  # fmt: skip
    conflict_default = _conflict_column(columns)
    fields: list[FieldSpec] = [table, *columns, operation_field(enum)]
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
    return SystemModels(input_model, output_model, sample)


def _column_fields(plan: PlanInput) -> tuple[FieldSpec, ...]:
    shown = [{k: v for k, v in e.input.items() if k not in _CONTROL_FIELDS} for e in plan.examples]
    from_examples = fields_from_examples([row for row in shown if row])
    named = {f.name: f for f in (*from_examples, *fields_from_hints(plan.parsed)) if f.name not in _CONTROL_FIELDS}
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


def _context(blueprint: NodeBlueprint) -> dict[str, Any]:
    operations = blueprint.operation_values
    return {
        "columns": [f.name for f in blueprint.input_model.fields if f.name not in _CONTROL_FIELDS],
        "rows_field": next(f.name for f in blueprint.output_model.fields if "rows" in f.name),
        "writes_rows": bool({"insert", "upsert"}.intersection(operations)),
        "matches_rows": bool({"update", "delete", "select"}.intersection(operations)),
    }


POSTGRESQL = System(
    name="PostgreSQL",
    flavour="postgresql",
    effect_type="DATABASE_OPERATION",
    operation_prefix="database",
    operation_words={
        "insert": ("insert", "write", "writes", "writer", "store", "stores", "save", "saves", "create", "add",
                   "persist"),
        "upsert": ("upsert", "upserts", "merge"),
        "update": ("update", "updates", "modify", "modifies"),
        "delete": ("delete", "deletes", "remove", "removes"),
        "select": ("read", "reads", "reader", "select", "query", "queries", "fetch", "fetches", "load", "loads",
                   "lookup"),
    },
    models=_models,
    side_effect='f"{request.operation.value}:{request.table}"',
    opener="open_session",
    requirements=("psycopg[binary]>=3.2,<4",),
    environment={"POSTGRES_DSN": "connection string, for example postgresql://user:password@host:5432/database"},
    client_imports=(("psycopg", "AsyncConnection"),),
    template_context=_context,
)  # fmt: skip
