"""The vectors in PostgreSQL as an index of their own: pgvector compares what the table holds. Nothing is kept twice.

Exact: every vector of the wanted kind and systems is compared. Vectors have length 1, so the inner product is the
cosine; a vector of zeros, which means nothing, is left out.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import ARRAY, REAL, Connection, Integer, String, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from omniclaude_dagster.errors import ConfigurationError, IndexUnavailableError, RecordsUnavailableError
from omniclaude_dagster.patterns.model import PatternChange, Vectors
from omniclaude_dagster.patterns.similarity import is_usable
from omniclaude_dagster.records import pattern_queries
from omniclaude_dagster.records.database import Database
from omniclaude_dagster.records.learning_schema import PatternRow
from omniclaude_dagster.request.model import NodeKind

_CURE = "let an administrator of the database run CREATE EXTENSION vector, or set OMNICLAUDE_PATTERN_INDEX=embedded"
# `cardinality`: pgvector refuses the whole query for one vector of another length. Rounded as every index does, so
# that differences in the last digits of a sum decide no order; the rest is settled by the id.
_NEAREST = text(
    """
    SELECT pattern_id, round(1e6 * -(embedding::vector <#> CAST(:wanted AS vector))) AS millionths
    FROM patterns
    WHERE status = 'active' AND node_kind = :node_kind AND systems @> :systems
        AND embedding_model = :embedding_model AND cardinality(embedding) = :dimension
        AND embedding <> CAST(:zeros AS real[])
    ORDER BY millionths DESC, pattern_id
    LIMIT :row_limit
    """
).bindparams(
    bindparam("wanted", type_=String()),
    bindparam("node_kind", type_=String()),
    bindparam("systems", type_=JSONB()),
    bindparam("embedding_model", type_=String()),
    bindparam("dimension", type_=Integer()),
    bindparam("zeros", type_=ARRAY(REAL())),
    bindparam("row_limit", type_=Integer()),
)


class PgvectorIndex:
    """Implements VectorIndex on the records themselves. Connects on first use.

    Raises ConfigurationError for a database that is no PostgreSQL at once, for one without pgvector at the first
    search.
    """

    name = "pgvector"
    needs_vectors = False

    def __init__(self, database: Database, *, embedding_model: str, dimension: int) -> None:
        if database.backend != "postgresql":
            raise ConfigurationError(
                "the index pgvector needs the records in PostgreSQL; they are in SQLite.",
                cure="set OMNICLAUDE_DATABASE_URL to a PostgreSQL server, or OMNICLAUDE_PATTERN_INDEX=embedded",
            )
        self._database = database
        self._embedding_model = embedding_model
        self._dimension = dimension
        self._has_extension = False

    def apply(self, changes: Sequence[PatternChange]) -> None:
        """Nothing to do: the table is the index."""

    def nearest(
        self, vector: Vectors, *, node_kind: NodeKind, systems: tuple[str, ...], limit: int
    ) -> Sequence[tuple[uuid.UUID, float]]:
        """Ids and cosine similarities of the nearest, best first; ties by id. Raises IndexUnavailableError."""
        if not is_usable(vector, dimension=self._dimension):
            return []
        values = {
            "wanted": f"[{','.join(map(str, vector.tolist()))}]",
            "node_kind": node_kind.value,
            "systems": list(systems),
            "embedding_model": self._embedding_model,
            "dimension": self._dimension,
            "zeros": [0.0] * self._dimension,
            "row_limit": max(0, limit),
        }

        def search(connection: Connection) -> list[tuple[uuid.UUID, float]]:
            self._check_extension(connection)
            return [(row.pattern_id, row.millionths / 1e6) for row in connection.execute(_NEAREST, values)]

        return self._read(search)

    def vectors(self, pattern_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Vectors]:
        """The vectors of those ids that the index holds. Raises IndexUnavailableError."""
        is_held = (PatternRow.status == "active") & (PatternRow.embedding_model == self._embedding_model)
        return self._read(lambda c: pattern_queries.vectors(c, pattern_ids, is_held))

    def close(self) -> None:
        """Nothing to do: the connections are the records'."""

    def _read[T](self, query: Callable[[Connection], T]) -> T:
        try:
            return self._database.read(query)
        except RecordsUnavailableError as exc:
            raise IndexUnavailableError(exc.message, cure=exc.cure) from exc

    def _check_extension(self, connection: Connection) -> None:
        if self._has_extension:
            return
        if connection.execute(text("SELECT to_regtype('vector')")).scalar() is None:
            raise ConfigurationError("the records' PostgreSQL has no pgvector, which its index needs.", cure=_CURE)
        self._has_extension = True
