"""How the pattern library changes, inside a transaction that `database.py` opened: the only writer of `patterns`.

Every change of a pattern gets the next number of `pattern_revision`. Its row stays locked until the transaction
ends, so numbers become visible in their order, and a reader that has seen one has missed none before it. The lock is
taken before any pattern is looked at: two processes never wait for each other in a circle.

    role of a pattern in a generation     uses   success rate    average quality   failures in a row
    shown, reused, repeated               + 1
    reused                                       to 1 or 0       if published      0 or + 1
    repeated                                                     always
    broken                                       to 0                              + 1
"""

import uuid
from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any

import sqlalchemy as sa
from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Table,
    Update,
    and_,
    bindparam,
    case,
    delete,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute

from omniclaude_dagster.patterns.model import Added, PatternReuse, PatternStatus, Vectors
from omniclaude_dagster.records.columns import Row
from omniclaude_dagster.records.learned_rows import BENCHMARK_SOURCE, reuse_row
from omniclaude_dagster.records.learning_schema import PatternReuseRow, PatternRevision, PatternRow

# Weight of the newest value in `success_rate` and `average_quality_score` (onex.md, section 5).
EMA_WEIGHT = 0.3
QUARANTINE_AFTER = 2
QUARANTINE_REASON = f"{QUARANTINE_AFTER} generations in a row failed with its code"
# Ids in one statement.
PORTION = 500
_HELD_OUT_DETAIL = "the generation came to the same code on its own"

_P = PatternRow
_PATTERNS: Table = PatternRow.metadata.tables[PatternRow.__tablename__]
_REUSES: Table = PatternReuseRow.metadata.tables[PatternReuseRow.__tablename__]


def insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> int:
    """Insert what is not there yet. The number of inserted rows, to be relied on for a single row only."""
    dialect = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return connection.execute(dialect(table).on_conflict_do_nothing(), list(rows)).rowcount


def learn(
    connection: Connection, generation: Row, *, patterns: Sequence[Row], reuses: Sequence[Row], model_calls: int
) -> None:
    """Take over what a generation, new in these records, leaves for the library."""
    effects = [(row, row["role"]) for row in reuses]
    if generation["source"] == BENCHMARK_SOURCE or not (patterns or any(_changes(row, role) for row, role in effects)):
        if reuses:
            insert_new(connection, _REUSES, reuses)
        return
    revisions = _Revisions(connection)
    for pattern in patterns:
        known = _insert_pattern(connection, pattern, revisions)
        # A pattern may have come on its own before its generation did.
        if known is not None and known.correlation_id != pattern["correlation_id"]:
            effects = _with_repetition(effects, known.pattern_id, generation, model_calls=model_calls)
    _take_over(connection, effects, revisions)
    revisions.keep()


def add(connection: Connection, pattern: Row) -> Added:
    """Store a pattern that came on its own, or add to the usage of its duplicate, once a correlation id."""
    revisions = _Revisions(connection)
    known = _insert_pattern(connection, pattern, revisions)
    if known is not None and known.correlation_id != pattern["correlation_id"]:
        origin = {
            "correlation_id": pattern["correlation_id"],
            "request_id": pattern["request_id"],
            "status": "published",
            "quality_score": pattern["quality_score"],
            "cost_nanousd": 0,
            "finished_at": pattern["created_at"],
        }
        row = reuse_row(origin, PatternReuse(known.pattern_id, "repeated", rank=0, score=0.0), model_calls=0)
        _take_over(connection, [(row, "repeated")], revisions)
    revisions.keep()
    return Added(known.pattern_id if known else pattern["pattern_id"], is_new=known is None)


def set_status(connection: Connection, pattern_ids: Sequence[uuid.UUID], status: PatternStatus, *, reason: str) -> int:
    """Change the status; the number that changed. One that becomes active starts without failures in a row."""
    revisions = _Revisions(connection)
    changed = _known(connection, pattern_ids, _P.status != status)
    values: dict[str, Any] = {"status": status, "status_reason": reason}
    if status == "active":
        values["consecutive_failures"] = 0
    statement = _update_one().values(values | {"revision": bindparam("number")})
    rows = [{"of": pattern_id, "number": next(revisions)} for pattern_id in changed]
    if rows:
        connection.execute(statement, rows)
    revisions.keep()
    return len(rows)


def set_embeddings(connection: Connection, embedding_model: str, vectors: Mapping[uuid.UUID, Vectors]) -> None:
    """Replace the vectors of these patterns; ids that are gone are left out."""
    revisions = _Revisions(connection)
    known = _known(connection, list(vectors))
    statement = _update_one().values(
        embedding_model=embedding_model, embedding=bindparam("vector"), revision=bindparam("number")
    )
    rows = [{"of": key, "vector": vectors[key], "number": next(revisions)} for key in known]
    if rows:
        connection.execute(statement, rows)
    revisions.keep()


def purge(connection: Connection, pattern_ids: Sequence[uuid.UUID]) -> int:
    """Delete retired ones; the number deleted. What came of them in generations stays."""
    # Locked: nobody finds a duplicate that is just being deleted.
    _Revisions(connection)
    retired = _known(connection, pattern_ids, _P.status == "retired")
    if retired:
        connection.execute(delete(_PATTERNS).where(_P.pattern_id == bindparam("of")), [{"of": key} for key in retired])
    return len(retired)


class _Revisions:
    """Hands out the next numbers under the lock that orders all changes; `keep` writes the last one down."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        lock = update(PatternRevision).values(value=PatternRevision.value).returning(PatternRevision.value)
        self._last = self._first = connection.execute(lock).scalar_one()

    def __next__(self) -> int:
        self._last += 1
        return self._last

    def keep(self) -> None:
        if self._last != self._first:
            self._connection.execute(update(PatternRevision).values(value=self._last))


def _known(
    connection: Connection, pattern_ids: Sequence[uuid.UUID], *conditions: ColumnElement[bool]
) -> list[uuid.UUID]:
    """Those of the ids that are there, once each, in their order; asked in portions, as databases limit parameters."""
    found: set[uuid.UUID] = set()
    for portion in batched(pattern_ids, PORTION):
        found.update(connection.scalars(select(_P.pattern_id).where(_P.pattern_id.in_(portion), *conditions)))
    return [key for key in dict.fromkeys(pattern_ids) if key in found]


def _update_one() -> Update:
    return update(_PATTERNS).where(_P.pattern_id == bindparam("of"))


def _insert_pattern(connection: Connection, pattern: Row, revisions: _Revisions) -> sa.Row[Any] | None:
    """None when it was new; else `pattern_id` and `correlation_id` of the pattern with the same code."""
    same = or_(_P.code_fingerprint == pattern["code_fingerprint"], _P.pattern_id == pattern["pattern_id"])
    query = select(_P.pattern_id, _P.correlation_id).where(same).order_by(_P.created_at).limit(1)
    known = connection.execute(query).first()
    if known is None:
        connection.execute(insert(_PATTERNS), pattern | {"revision": next(revisions)})
    return known


def _with_repetition(
    effects: Sequence[tuple[Row, str]], known: uuid.UUID, generation: Row, *, model_calls: int
) -> list[tuple[Row, str]]:
    """The same, now that the generation's code is known already: one row says so, and it counts once.

    Code that was reused is no repetition. A held-out request stays one, or the comparison would lose its successes.
    """
    found = {row["pattern_id"]: row for row, _ in effects}
    row = found.get(known) or reuse_row(
        generation, PatternReuse(known, "repeated", rank=0, score=0.0), model_calls=model_calls
    )
    others = [effect for effect in effects if effect[0]["pattern_id"] != known]
    if row["role"] == "reused":
        return [*others, (row, "reused")]
    if row["role"] == "held_out":
        return [*others, (row | {"detail": _HELD_OUT_DETAIL}, "repeated")]
    return [*others, (row | {"role": "repeated"}, "repeated")]


def _take_over(connection: Connection, effects: Sequence[tuple[Row, str]], revisions: _Revisions) -> None:
    """Insert the rows of one generation, and let each that was not there yet change its pattern."""
    if not effects:
        return
    of_generation = PatternReuseRow.correlation_id == effects[0][0]["correlation_id"]
    counted = set(connection.scalars(select(PatternReuseRow.pattern_id).where(of_generation)))
    fresh = [effect for effect in effects if effect[0]["pattern_id"] not in counted]
    if fresh:
        connection.execute(insert(_REUSES), [row for row, _ in fresh])
    known = set(_known(connection, [row["pattern_id"] for row, _ in fresh]))
    for row, role in fresh:
        changes = _changes(row, role)
        if changes and row["pattern_id"] in known:
            changes["revision"] = next(revisions)
            connection.execute(update(_PATTERNS).where(_P.pattern_id == row["pattern_id"]).values(changes))


def _changes(row: Row, role: str) -> dict[str, Any]:
    """What the table at the top says, as expressions over the row as it is: atomic, whoever else writes."""
    is_success, is_broken = bool(row["is_success"]), role == "broken"
    changes: dict[str, Any] = {}
    if role in {"shown", "reused", "repeated"}:
        is_later = or_(_P.last_used.is_(None), _P.last_used < row["timestamp"])
        later = case((is_later, literal(row["timestamp"], _P.last_used.type)), else_=_P.last_used)
        changes |= {"usage_count": _P.usage_count + 1, "last_used": later}
    if is_broken or role == "reused":
        changes["success_rate"] = _moved(_P.success_rate, float(is_success and not is_broken))
        changes |= _failed() if is_broken or not is_success else {"consecutive_failures": 0}
    if role == "repeated" or (role == "reused" and is_success):
        changes["average_quality_score"] = _moved(_P.average_quality_score, row["quality_score"])
    return changes


def _failed() -> dict[str, Any]:
    failures = _P.consecutive_failures + 1
    is_enough = and_(_P.status == "active", failures >= QUARANTINE_AFTER)
    return {
        "consecutive_failures": failures,
        "status": case((is_enough, "quarantined"), else_=_P.status),
        "status_reason": case((is_enough, QUARANTINE_REASON), else_=_P.status_reason),
    }


def _moved(column: InstrumentedAttribute[float], value: float) -> ColumnElement[float]:
    """An exponential moving average after one more value."""
    return column + literal(EMA_WEIGHT, Double()) * (literal(value, Double()) - column)
