"""SQL of NodeMoneyMoverEffect.

Names are quoted and values are bound by psycopg; nothing is pasted into SQL text. Imported on first use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from psycopg import sql
from psycopg.types.json import Jsonb

from .logic import Statement
from .models import ModelMoneyMoverInput, ModelMoneyMoverStep


def build_statements(request: ModelMoneyMoverInput) -> list[Statement]:
    """The operation as SQL. Raises ModelOnexError when the request lacks what it needs."""
    if not request.steps:
        raise _invalid("a transaction needs steps")
    return [replace(_BUILDERS[step.operation.value](step), expected_rows=step.expected_rows) for step in request.steps]


def _column_values(change: ModelMoneyMoverStep) -> dict[str, object]:
    return {name: _adapted(value) for name, value in change.values.items()}


def _adapted(value: object) -> object:
    return Jsonb(value) if isinstance(value, dict | list) else value


def _invalid(message: str) -> ModelOnexError:
    return ModelOnexError(message=message, error_code=EnumCoreErrorCode.VALIDATION_ERROR)


def _table(change: ModelMoneyMoverStep) -> sql.Identifier:
    return sql.Identifier(*change.table.split("."))


def _insert(change: ModelMoneyMoverStep) -> Statement:
    values = _column_values(change)
    if not values:
        raise _invalid("values must name at least one column")
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        _table(change),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(sql.Placeholder() * len(values)),
    )
    return Statement(statement, list(values.values()))


def _upsert(change: ModelMoneyMoverStep) -> Statement:
    if not change.conflict_columns:
        raise _invalid("an upsert needs conflict_columns")
    insert = _insert(change)
    changed = [name for name in _column_values(change) if name not in change.conflict_columns]
    conflict = sql.SQL(", ").join(map(sql.Identifier, change.conflict_columns))
    if not changed:
        return Statement(insert.sql + sql.SQL(" ON CONFLICT ({}) DO NOTHING").format(conflict), insert.parameters)
    assignments = [sql.SQL("{} = EXCLUDED.{}").format(sql.Identifier(n), sql.Identifier(n)) for n in changed]
    tail = sql.SQL(" ON CONFLICT ({}) DO UPDATE SET {}").format(conflict, sql.SQL(", ").join(assignments))
    return Statement(insert.sql + tail, insert.parameters)


def _condition(change: ModelMoneyMoverStep) -> Statement:
    parts = [
        sql.SQL("{} IS NULL").format(sql.Identifier(name))
        if value is None
        else sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder())
        for name, value in change.match.items()
    ]
    parameters = [_adapted(value) for value in change.match.values() if value is not None]
    parts += [sql.SQL("{} >= {}").format(sql.Identifier(name), sql.Placeholder()) for name in change.at_least]
    parameters += change.at_least.values()
    return Statement(sql.SQL(" WHERE {}").format(sql.SQL(" AND ").join(parts)), parameters)


def _update(change: ModelMoneyMoverStep) -> Statement:
    if not change.match:
        raise _invalid("an update needs match: it never changes a whole table")
    values = _column_values(change)
    assignments = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder()) for name in values]
    parameters = list(values.values())
    assignments += [
        sql.SQL("{} = {} + {}").format(sql.Identifier(name), sql.Identifier(name), sql.Placeholder())
        for name in change.add
    ]
    parameters += change.add.values()
    if not assignments:
        raise _invalid("values must name at least one column")
    condition = _condition(change)
    statement = sql.SQL("UPDATE {} SET {}").format(_table(change), sql.SQL(", ").join(assignments))
    return Statement(statement + condition.sql, [*parameters, *condition.parameters])


def _delete(change: ModelMoneyMoverStep) -> Statement:
    if not change.match:
        raise _invalid("a delete needs match: it never empties a whole table")
    condition = _condition(change)
    return Statement(sql.SQL("DELETE FROM {}").format(_table(change)) + condition.sql, condition.parameters)


def _select(change: ModelMoneyMoverStep) -> Statement:
    statement = sql.SQL("SELECT * FROM {}").format(_table(change))
    parameters: list[object] = []
    if change.match or change.at_least:
        condition = _condition(change)
        statement += condition.sql
        parameters += condition.parameters
    return Statement(statement + sql.SQL(" LIMIT {}").format(sql.Placeholder()), [*parameters, change.limit])


_BUILDERS: dict[str, Callable[[ModelMoneyMoverStep], Statement]] = {
    "insert": _insert,
    "upsert": _upsert,
    "update": _update,
    "delete": _delete,
    "select": _select,
}
