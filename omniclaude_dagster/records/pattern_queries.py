"""What is asked of the tables of the pattern library, on a connection that `database.py` opened. Writes nothing."""

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import batched
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Label, LargeBinary, Select, String, and_, func, or_, select

from omniclaude_dagster.patterns.model import PatternChange, PatternStatus, Vectors
from omniclaude_dagster.records.columns import Row
from omniclaude_dagster.records.escapes import unescaped
from omniclaude_dagster.records.learned_rows import BENCHMARK_SOURCE
from omniclaude_dagster.records.learning import PORTION
from omniclaude_dagster.records.learning_schema import PatternReuseRow, PatternRevision, PatternRow
from omniclaude_dagster.records.schema import Generation
from omniclaude_dagster.request.model import NodeKind

_P = PatternRow
# PostgreSQL's binary form of an array: dimensions, flags, type, then length and lower bound of its one dimension.
_ARRAY_HEADER_BYTES = 20
_KINDS = {kind.value: kind for kind in NodeKind}


def revision(connection: Connection) -> int:
    """Number of the last change. As plain SQL: every search asks for it."""
    return int(connection.exec_driver_sql("SELECT value FROM pattern_revision").scalar_one())


def library_id(connection: Connection) -> uuid.UUID:
    """What tells this library from every other one."""
    return connection.execute(select(PatternRevision.library_id)).scalar_one()


def changes(connection: Connection, after_revision: int, *, limit: int, with_vectors: bool) -> list[PatternChange]:
    """The next changes in order, each pattern as it is now."""
    query = (
        select(
            _P.pattern_id,
            _P.revision,
            _P.status,
            _P.node_kind,
            # As text: the same few lists come again and again.
            sa.cast(_P.systems, String),
            _P.text,
            _P.quality_score,
            _P.success_rate,
            _P.created_at,
            _P.last_used,
            _P.embedding_model,
            *([_raw_vector(connection)] if with_vectors else []),
        )
        .where(_P.revision > after_revision)
        .order_by(_P.revision)
        .limit(max(0, limit))
    )
    read = _vector_reader(connection)
    return [_change(row, read) for row in connection.execute(query)]


def patterns(connection: Connection, pattern_ids: Sequence[uuid.UUID]) -> list[Row]:
    """Those patterns, in this order, without their vectors."""
    found: dict[uuid.UUID, Row] = {}
    for portion in batched(dict.fromkeys(pattern_ids), PORTION):
        rows = connection.execute(_these_patterns(), {"pattern_ids": portion}).mappings()
        found |= {row["pattern_id"]: dict(row) for row in rows}
    return [found[key] for key in pattern_ids if key in found]


def page(
    connection: Connection,
    *,
    status: PatternStatus | None,
    node_kind: NodeKind | None,
    text: str | None,
    after: uuid.UUID | None,
    limit: int,
) -> list[Row]:
    """The newest patterns, from the one after `after` on; none where `after` is gone."""
    query = _all_columns().order_by(_P.created_at.desc(), _P.pattern_id.desc()).limit(max(0, limit))
    if status is not None:
        query = query.where(_P.status == status)
    if node_kind is not None:
        query = query.where(_P.node_kind == node_kind.value)
    if text:
        query = query.where(_P.text.icontains(text, autoescape=True))
    if after is not None:
        last = connection.execute(select(_P.created_at).where(_P.pattern_id == after)).scalar()
        if last is None:
            return []
        query = query.where(or_(_P.created_at < last, and_(_P.created_at == last, _P.pattern_id < after)))
    return [dict(row) for row in connection.execute(query).mappings()]


def counts(connection: Connection) -> dict[str, int]:
    """Number of patterns by status, for those statuses that there are."""
    return {status: count for status, count in connection.execute(select(_P.status, func.count()).group_by(_P.status))}


def to_embed(connection: Connection, embedding_model: str, *, limit: int) -> list[tuple[uuid.UUID, str]]:
    """Id and text of patterns without a vector of this model, the oldest first."""
    query = (
        select(_P.pattern_id, _P.text)
        .where(_P.status != "retired", or_(_P.embedding_model != embedding_model, _P.embedding.is_(None)))
        .order_by(_P.created_at, _P.pattern_id)
        .limit(max(0, limit))
    )
    return [(row.pattern_id, unescaped(row.text)) for row in connection.execute(query)]


def vectors(
    connection: Connection, pattern_ids: Iterable[uuid.UUID], condition: ColumnElement[bool]
) -> dict[uuid.UUID, Vectors]:
    """The vectors of those of the ids that fulfil the condition and have one."""
    found: dict[uuid.UUID, Vectors] = {}
    read = _vector_reader(connection)
    for portion in batched(dict.fromkeys(pattern_ids), PORTION):
        query = select(_P.pattern_id, _raw_vector(connection)).where(_P.pattern_id.in_(portion), condition)
        found |= {key: read(raw) for key, raw in connection.execute(query) if raw is not None}
    return found


def reuses(connection: Connection, *, since: datetime | None) -> list[Row]:
    """What came of patterns, the oldest first, with the kind of the generation's node; none of benchmarks."""
    query = (
        select(PatternReuseRow.__table__, Generation.node_kind)
        .outerjoin(Generation, Generation.correlation_id == PatternReuseRow.correlation_id)
        .where(or_(Generation.source.is_(None), Generation.source != BENCHMARK_SOURCE))
        .order_by(PatternReuseRow.timestamp, PatternReuseRow.correlation_id, PatternReuseRow.rank)
    )
    if since is not None:
        query = query.where(PatternReuseRow.timestamp >= since)
    return [dict(row) for row in connection.execute(query).mappings()]


@lru_cache(maxsize=1)
def _these_patterns() -> Select[Any]:
    """Made once: building it takes longer than running it, and every search does."""
    return _all_columns().where(_P.pattern_id.in_(sa.bindparam("pattern_ids", expanding=True)))


def _all_columns() -> Select[Any]:
    return select(*(c for c in PatternRow.__table__.columns if c.name != "embedding"))


def _raw_vector(connection: Connection) -> Label[Any]:
    """The vector's bytes. PostgreSQL would send numbers as text, which takes ten times as long to read."""
    is_postgresql = connection.dialect.name == "postgresql"
    column = func.array_send(_P.embedding) if is_postgresql else _P.embedding
    return sa.type_coerce(column, LargeBinary).label("vector")


def _vector_reader(connection: Connection) -> Callable[[bytes], Vectors]:
    """What makes a vector of `_raw_vector`'s bytes. Elements of an array are a length and a big-endian value each."""
    if connection.dialect.name == "postgresql":
        return lambda raw: np.frombuffer(raw, dtype=">f4", offset=_ARRAY_HEADER_BYTES)[1::2].astype("<f4")
    return lambda raw: np.frombuffer(raw, dtype="<f4")


def _change(row: Sequence[Any], read_vector: Callable[[bytes], Vectors]) -> PatternChange:
    """By position, not by name: a catalogue reads a hundred thousand of them when it starts."""
    pattern_id, number, status, kind, systems, text, quality, success, created_at, last_used, model, *raw = row
    has_vector = bool(raw and model and raw[0] is not None)
    return PatternChange(
        pattern_id=pattern_id,
        revision=number,
        status=status,
        node_kind=_KINDS[kind],
        systems=_systems(systems),
        text=unescaped(text),
        quality_score=quality,
        success_rate=success,
        fresh_at=created_at if last_used is None else max(created_at, last_used),
        embedding_model=model,
        vector=read_vector(raw[0]) if has_vector else None,
    )


@lru_cache(maxsize=4096)
def _systems(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))
