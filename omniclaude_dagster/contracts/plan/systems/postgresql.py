"""PostgreSQL: rows written, changed and read by quoted names and bound values."""

import re
from collections.abc import Iterable
from dataclasses import replace
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

REQUIREMENT = "psycopg[binary]>=3.2,<4"
_WRITING = frozenset({"insert", "upsert", "update"})
_SELECTING = frozenset({"update", "delete", "select"})
_STEP_OPERATIONS = ("insert", "upsert", "update", "delete", "select")
# Done twice, these leave the database as if they were done once, and say so.
_REPEATABLE = ("upsert", "update", "select")
_TABLE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$"
# Fields of the input that are no columns.
_CONTROL_FIELDS = frozenset(
    {"operation", "table", "values", "match", "conflict_columns", "limit", "order_by", "columns", "offset", "steps"}
)
_SORTING = frozenset(
    "sort sorts sorted sorting ordered ordering ascending descending latest newest oldest recent".split()
)
_PICKING = frozenset("projection projections selected chosen certain".split())


def _models(plan: PlanInput, enum: EnumSpec) -> SystemModels:
    has_steps = "transaction" in enum.values
    is_only_steps = enum.values == ("transaction",)
    columns = _column_fields(plan) if _WRITING.intersection(enum.values) else ()
    step_enum = EnumSpec(f"Enum{plan.stem}StepOperation", f"What a step of {plan.stem} does.", _STEP_OPERATIONS)
    step = _step_model(plan, step_enum)
    fields = () if is_only_steps else _single_fields(plan, enum, columns, has_steps=has_steps)
    if has_steps:
        steps = FieldSpec("steps", f"list[{step.class_name}]", "Steps of a transaction: all are done, or none.", "list")
        fields = (*(fields or (operation_field(enum),)), steps)
    input_model = ModelSpec(plan.model_class("Input"), f"One database operation of {plan.stem}.", fields)
    return SystemModels(
        input_model,
        _output_model(plan, enum, has_steps=has_steps),
        _transfer_sample(plan) if is_only_steps else _sample(enum, columns),
        extra_models=(step,) if has_steps else (),
        extra_enums=(step_enum,) if has_steps else (),
    )


def _single_fields(
    plan: PlanInput, enum: EnumSpec, columns: tuple[FieldSpec, ...], *, has_steps: bool
) -> tuple[FieldSpec, ...]:
    """What the operations on one table need; `table` only where no transaction may come without it."""
    # A node that knows its columns knows whose they are; a person can still name another table.
    default = f'"{_table_name(plan)}"' if columns else "None" if has_steps else None
    table = FieldSpec("table", "str | None" if default == "None" else "str",
                      "Table, with its schema if it is not on the search path.",
                      default=default, constraints={"pattern": _TABLE_PATTERN})  # fmt: skip
    conflict_default = _conflict_column(columns)
    fields: list[FieldSpec] = [table, *_required_unless(columns, has_steps=has_steps), operation_field(enum)]
    # A step of a transaction may do anything, and the SQL is built of steps and single operations alike.
    done = set(_STEP_OPERATIONS if has_steps else enum.values)
    if not columns and _WRITING & done:
        fields.append(FieldSpec("values", "dict[str, JsonValue]", "Column values to write.", "dict"))
    if _SELECTING & done:
        fields.append(FieldSpec("match", "dict[str, JsonValue]", "Columns that select the rows, by equality.", "dict"))
    if "upsert" in done:
        fields.append(FieldSpec("conflict_columns", "list[str]", "Columns that make an upsert's row unique.",
                                f'lambda: ["{conflict_default}"]' if conflict_default else "list"))  # fmt: skip
    if "select" in enum.values:
        fields += _reading_fields(plan)
    if "select" in done:
        fields.append(FieldSpec("limit", "int", "Most rows a select returns.", "100", {"ge": 1, "le": 10_000}))
    return tuple(fields)


def _required_unless(columns: tuple[FieldSpec, ...], *, has_steps: bool) -> tuple[FieldSpec, ...]:
    """The columns; a transaction comes without them, so they are optional beside it."""
    if not has_steps:
        return columns
    return tuple(
        f if f.default is not None else replace(f, type=f"{f.type} | None".replace("| None | None", "| None"),
                                                default="None")
        for f in columns
    )  # fmt: skip


def _reading_fields(plan: PlanInput) -> list[FieldSpec]:
    """Order, columns and pages of a select, where the prompt speaks of them."""
    said = set(re.findall(r"[a-z]+", plan.request.prompt.lower()))
    fields = []
    if said & _SORTING or {"order", "by"} <= said:
        fields.append(FieldSpec("order_by", "list[str]", "Columns to sort by; -name sorts downwards.", "list"))
    if said & _PICKING:
        fields.append(FieldSpec("columns", "list[str]", "Columns to read; none: all of them.", "list"))
    if "pagination" in plan.parsed.features:
        fields.append(FieldSpec("offset", "int", "Rows to skip before the first.", "0", {"ge": 0}))
    return fields


def _step_model(plan: PlanInput, step_enum: EnumSpec) -> ModelSpec:
    return ModelSpec(
        plan.model_class("Step"),
        f"One step of a transaction of {plan.stem}.",
        (
            FieldSpec("operation", step_enum.class_name, "What to do."),
            FieldSpec("table", "str", "Table, with its schema if need be.", constraints={"pattern": _TABLE_PATTERN}),
            FieldSpec("values", "dict[str, JsonValue]", "Column values to write.", "dict"),
            FieldSpec("add", "dict[str, Decimal]", "What an update adds to columns; less than 0 takes away.", "dict"),
            FieldSpec("match", "dict[str, JsonValue]", "Columns that select the rows, by equality.", "dict"),
            FieldSpec("at_least", "dict[str, Decimal]", "Only rows whose columns hold this much or more.", "dict"),
            FieldSpec("conflict_columns", "list[str]", "Columns that make an upsert's row unique.", "list"),
            FieldSpec("limit", "int", "Most rows a select returns.", "100", {"ge": 1, "le": 10_000}),
            FieldSpec("expected_rows", "int | None", "If it touches another number of rows, all is undone.", "None",
                      {"ge": 0}),
        ),
    )  # fmt: skip


def _output_model(plan: PlanInput, enum: EnumSpec, *, has_steps: bool) -> ModelSpec:
    fields = [
        FieldSpec("operation", enum.class_name, "What was done."),
        FieldSpec(_rows_field(plan), "int", "Rows written, deleted or read.", constraints={"ge": 0}),
        FieldSpec("rows", "list[dict[str, JsonValue]]", "Rows a select returned.", "list"),
    ]
    if has_steps:
        fields.append(FieldSpec("step_rows", "list[int]", "Rows that each step touched.", "list"))
    return ModelSpec(plan.model_class("Output"), f"What the operation of {plan.stem} did.", tuple(fields))


def _sample(enum: EnumSpec, columns: tuple[FieldSpec, ...]) -> dict[str, object]:
    sample: dict[str, object] = {"table": "records", **sample_from_fields(columns)}
    if not columns and _WRITING.intersection(enum.values):
        sample["values"] = {"id": 1, "name": "example"}
    first = enum.values[0]
    if first in {"update", "delete"}:
        sample["match"] = {"id": 1}
    if first == "upsert" and not _conflict_column(columns):
        sample["conflict_columns"] = ["id"]
    return sample


def _transfer_sample(plan: PlanInput) -> dict[str, object]:
    """Ten units from one row to another: the transaction everybody knows."""
    table = "accounts" if "account" in plan.request.prompt.lower() else "records"
    column = "balance" if table == "accounts" else "amount"
    step: dict[str, object] = {"operation": "update", "table": table, "expected_rows": 1}
    return {
        "steps": [
            {**step, "match": {"id": 1}, "add": {column: "-10"}, "at_least": {column: "10"}},
            {**step, "match": {"id": 2}, "add": {column: "10"}},
        ]
    }


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
    singles = tuple(name for name in operations if name != "transaction")
    has_steps = len(singles) < len(operations)
    inputs = {f.name for f in blueprint.input_model.fields}
    context: dict[str, Any] = {
        "tested_logic": ["LostAnswerError", "PassingFaultError"],
        "support_names": ["RecordingSession", "prepare"],
        "requirement": REQUIREMENT,
        "columns": [f.name for f in blueprint.input_model.fields if f.name not in _CONTROL_FIELDS],
        "rows_field": next(f.name for f in blueprint.output_model.fields if "rows" in f.name),
        "repeatable": [name for name in _REPEATABLE if name in operations],
        "writes_values": bool(_WRITING.intersection(operations)) or has_steps,
        "step_operations": list(_STEP_OPERATIONS),
        "step_model": next((m.class_name for m in blueprint.extra_models), None),
        "step_enum": blueprint.enums[1].class_name if has_steps else None,
        "sorts": "order_by" in inputs and not has_steps,
        "picks_columns": "columns" in inputs and not has_steps,
        "pages": "offset" in inputs and not has_steps,
    }
    if has_steps:
        context["side_effect"] = "request.operation.value"
    return context


def _choose(said: frozenset[str], asked: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    singles = tuple(name for name in known if name != "transaction")
    if "crud" in said:
        return known if said & {"transaction", "transactional", "atomic", "atomically"} else singles
    if not asked:
        return ("transaction",) if "transactions" in said else singles
    if "upsert" in asked and "insert" in asked and not said.intersection({"insert", "store", "save", "add"}):
        return tuple(operation for operation in asked if operation != "insert")
    return asked


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
        "transaction": ("transaction", "transactional", "atomic", "atomically", "rollback", "transfer", "transfers",
                        "transactions move", "transactions moves", "transactions run", "transactions runs"),
    },
    models=_models,
    side_effect='f"{request.operation.value}:{request.table}"',
    opener="open_session",
    requirements=(REQUIREMENT,),
    environment={"POSTGRES_DSN": "connection string, for example postgresql://user:password@host:5432/database"},
    client_imports=(("psycopg", "AsyncConnection"),),
    template_context=_context,
    choose=_choose,
    extra_files={
        "client.py": "logic/client_postgresql.py.jinja2",
        "statements.py": "logic/statements_postgresql.py.jinja2",
    },
)  # fmt: skip
