"""SQL of NodeUserStoreEffect.

Names are quoted and values are bound by psycopg; nothing is pasted into SQL text. Imported on first use.
"""

from __future__ import annotations

from collections.abc import Callable

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from psycopg import sql
from psycopg.types.json import Jsonb

from .logic import Statement
from .models import ModelUserStoreInput


def build_statements(request: ModelUserStoreInput) -> list[Statement]:
    """The operation as SQL. Raises ModelOnexError when the request lacks what it needs."""
    return [_BUILDERS[request.operation.value](request)]


def _column_values(change: ModelUserStoreInput) -> dict[str, object]:
    return {
        "user_id": _adapted(change.user_id),
        "email": _adapted(change.email),
        "age": _adapted(change.age),
        "is_active": _adapted(change.is_active),
        "created_at": _adapted(change.created_at),
    }


def _adapted(value: object) -> object:
    return Jsonb(value) if isinstance(value, dict | list) else value


def _invalid(message: str) -> ModelOnexError:
    return ModelOnexError(message=message, error_code=EnumCoreErrorCode.VALIDATION_ERROR)


def _table(change: ModelUserStoreInput) -> sql.Identifier:
    return sql.Identifier(*change.table.split("."))


def _insert(change: ModelUserStoreInput) -> Statement:
    values = _column_values(change)
    if not values:
        raise _invalid("values must name at least one column")
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        _table(change),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(sql.Placeholder() * len(values)),
    )
    return Statement(statement, list(values.values()))


def _upsert(change: ModelUserStoreInput) -> Statement:
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


def _condition(change: ModelUserStoreInput) -> Statement:
    parts = [
        sql.SQL("{} IS NULL").format(sql.Identifier(name))
        if value is None
        else sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder())
        for name, value in change.match.items()
    ]
    parameters = [_adapted(value) for value in change.match.values() if value is not None]
    return Statement(sql.SQL(" WHERE {}").format(sql.SQL(" AND ").join(parts)), parameters)


def _update(change: ModelUserStoreInput) -> Statement:
    if not change.match:
        raise _invalid("an update needs match: it never changes a whole table")
    values = _column_values(change)
    assignments = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder()) for name in values]
    parameters = list(values.values())
    if not assignments:
        raise _invalid("values must name at least one column")
    condition = _condition(change)
    statement = sql.SQL("UPDATE {} SET {}").format(_table(change), sql.SQL(", ").join(assignments))
    return Statement(statement + condition.sql, [*parameters, *condition.parameters])


def _delete(change: ModelUserStoreInput) -> Statement:
    if not change.match:
        raise _invalid("a delete needs match: it never empties a whole table")
    condition = _condition(change)
    return Statement(sql.SQL("DELETE FROM {}").format(_table(change)) + condition.sql, condition.parameters)


def _select(change: ModelUserStoreInput) -> Statement:
    statement = sql.SQL("SELECT * FROM {}").format(_table(change))
    parameters: list[object] = []
    if change.match:
        condition = _condition(change)
        statement += condition.sql
        parameters += condition.parameters
    return Statement(statement + sql.SQL(" LIMIT {}").format(sql.Placeholder()), [*parameters, change.limit])


_BUILDERS: dict[str, Callable[[ModelUserStoreInput], Statement]] = {
    "insert": _insert,
    "upsert": _upsert,
    "update": _update,
    "delete": _delete,
    "select": _select,
}
