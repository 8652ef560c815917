"""The pattern library's part of the records: implements `patterns.model.PatternStore`, for any number of processes.

Nothing is spooled here: who stores a pattern on its own is told when the database is away. What a generation leaves
for the library goes in with that generation (`learning.py`).
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import get_args

from omniclaude_dagster.errors import RequestError, StorageError
from omniclaude_dagster.patterns.model import Added, Pattern, PatternChange, PatternStatus, StoredPattern, Vectors
from omniclaude_dagster.records import learning, pattern_queries
from omniclaude_dagster.records.database import RecordsPart
from omniclaude_dagster.records.learned import ReuseRow
from omniclaude_dagster.records.learned_rows import encoded_vector, pattern_row
from omniclaude_dagster.records.pgvector_index import PgvectorIndex
from omniclaude_dagster.records.read_back import reuse, stored_pattern
from omniclaude_dagster.records.rows import storable, typed_table
from omniclaude_dagster.records.schema import PATTERN_TABLES
from omniclaude_dagster.records.spool import UnstorableError
from omniclaude_dagster.request.model import NodeKind

MAX_FILTER_CHARS = 500
_MAX_PAGE = 1_000


class PatternRecords(RecordsPart):
    """Patterns and what came of them. Every method raises RecordsUnavailableError while the database is away."""

    def pattern_revision(self) -> int:
        """Number of the last change. Says at once, without waiting, that the database was away a moment ago."""
        self.database.refuse_during_pause()
        return self.database.read(pattern_queries.revision)

    def library_id(self) -> uuid.UUID:
        """What tells this library from every other one; lasts as long as the database."""
        return self.database.read(pattern_queries.library_id)

    def pattern_changes(self, after_revision: int, *, limit: int, with_vectors: bool = True) -> Sequence[PatternChange]:
        """The next changes in order of revision, at most `limit`; each pattern once, as it is now."""
        return self.database.read(
            lambda c: pattern_queries.changes(c, after_revision, limit=limit, with_vectors=with_vectors)
        )

    def patterns(self, pattern_ids: Sequence[uuid.UUID]) -> tuple[StoredPattern, ...]:
        """Those patterns, in this order; ids that are gone are left out."""
        if not pattern_ids:
            return ()
        return tuple(map(stored_pattern, self.database.read(lambda c: pattern_queries.patterns(c, pattern_ids))))

    def add_pattern(self, pattern: Pattern, *, vector: Vectors | None, embedding_model: str) -> Added:
        """Store it, or add to the usage of its duplicate, once a correlation id.

        Raises StorageError for one that breaks a rule of the tables.
        """
        try:
            row = storable(pattern_row(pattern, vector=vector, embedding_model=embedding_model))
            (typed,) = typed_table(PATTERN_TABLES["patterns"], [row])
            return self.database.write(lambda c: learning.add(c, typed))
        except (UnstorableError, ValueError) as exc:
            raise StorageError(f"the records refuse this pattern: {exc}.", cure="correct the pattern") from None

    def patterns_to_embed(self, embedding_model: str, *, limit: int) -> Sequence[tuple[uuid.UUID, str]]:
        """Id and text of patterns whose vector is missing or of another model, oldest first; retired ones are left."""
        return self.database.read(lambda c: pattern_queries.to_embed(c, embedding_model, limit=limit))

    def set_embeddings(self, embedding_model: str, vectors: Mapping[uuid.UUID, Vectors]) -> None:
        """Replace the vectors of these patterns; ids that are gone are left out.

        Raises StorageError, and replaces none, when one holds what is no number: it would spoil every search.
        """
        if any(encoded_vector(vector) is None for vector in vectors.values()):
            raise StorageError(f"{embedding_model} gave a vector that is none.", cure="check the embedding service")
        self.database.write(lambda c: learning.set_embeddings(c, embedding_model, vectors))

    def set_pattern_status(self, pattern_ids: Sequence[uuid.UUID], status: PatternStatus, *, reason: str) -> int:
        """Change the status; the number that really changed."""
        return self.database.write(lambda c: learning.set_status(c, pattern_ids, status, reason=storable(reason)))

    def purge_patterns(self, pattern_ids: Sequence[uuid.UUID]) -> int:
        """Delete those of them that are retired; the number deleted. Their history in reuse statistics stays.

        Only retired ones: every process and every index has been told to forget those.
        """
        return self.database.write(lambda c: learning.purge(c, pattern_ids))

    def pattern_page(
        self,
        *,
        status: PatternStatus | None = None,
        node_kind: NodeKind | None = None,
        text: str | None = None,
        after: uuid.UUID | None = None,
        limit: int = 50,
    ) -> tuple[StoredPattern, ...]:
        """Patterns, the newest first, at most 1,000. `after`: id of the last one of the page before.

        `text`: part of description, name, kind, systems or fields, in any case. Raises RequestError for a longer one.
        """
        if text is not None and len(text) > MAX_FILTER_CHARS:
            raise RequestError(f"the text to look for has {len(text)} characters.", cure=f"at most {MAX_FILTER_CHARS}")
        wanted = None if text is None else storable(text)
        rows = self.database.read(
            lambda c: pattern_queries.page(
                c, status=status, node_kind=node_kind, text=wanted, after=after, limit=min(limit, _MAX_PAGE)
            )
        )
        return tuple(map(stored_pattern, rows))

    def pattern_counts(self) -> Mapping[PatternStatus, int]:
        """Number of patterns of every status."""
        found = self.database.read(pattern_queries.counts)
        return {status: found.get(status, 0) for status in get_args(PatternStatus)}

    def reuse_rows(self, *, since: datetime | None = None) -> tuple[ReuseRow, ...]:
        """What came of patterns in generations, the oldest first; none of benchmarks."""
        return tuple(map(reuse, self.database.read(lambda c: pattern_queries.reuses(c, since=since))))

    def pgvector_index(self, embedding_model: str, dimension: int) -> PgvectorIndex:
        """The index that this database itself is, where it is PostgreSQL with pgvector.

        Raises ConfigurationError for SQLite.
        """
        return PgvectorIndex(self.database, embedding_model=embedding_model, dimension=dimension)
