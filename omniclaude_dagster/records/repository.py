"""The one door to the system of record: writes generations and benchmark outcomes, finds them again, says how it is.

A generation is one transaction, recognised by its correlation id: writing it again changes nothing. While the
database is away, records wait in the spool and go in, in order, before the next one that succeeds. What is learned
from generations is asked of the same door; `pattern_store.py` and `quorum_store.py` hold that part of it.
"""

import contextlib
import logging
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from omniclaude_dagster.errors import RecordsUnavailableError
from omniclaude_dagster.patterns.model import Pattern, StoredPattern
from omniclaude_dagster.providers.model import ModelCall
from omniclaude_dagster.records import learning, queries
from omniclaude_dagster.records.columns import Row
from omniclaude_dagster.records.database import Database
from omniclaude_dagster.records.learned import ReportedRow, VoteRow
from omniclaude_dagster.records.pattern_store import PatternRecords
from omniclaude_dagster.records.quorum_store import QuorumRecords
from omniclaude_dagster.records.read_back import benchmark_outcome, model_call, pattern_of_generation
from omniclaude_dagster.records.rows import (
    Payload,
    payload_of,
    payload_of_outcomes,
    payload_of_reported,
    payload_of_votes,
    storable,
    typed_rows,
)
from omniclaude_dagster.records.schema import BENCHMARK_TABLES, REPORTED_TABLES, TABLES, BenchmarkRow, Generation
from omniclaude_dagster.records.spool import Spool, UnstorableError
from omniclaude_dagster.stages.model import BenchmarkOutcome, GenerationRecord, GenerationResult
from omniclaude_dagster.stages.recipe import Recipe, RecordedGeneration, recipe_from_text

logger = logging.getLogger(__name__)

# `learning.py` puts these in.
_LEARNED = frozenset({"patterns", "pattern_reuse_stats"})


@dataclass(frozen=True)
class RecordsHealth:
    """Whether the database really answers and takes writes, and what waits for it."""

    is_connected: bool
    backend: str
    message: str
    spooled_count: int
    oldest_spooled_age_s: float | None
    set_aside_count: int = 0


class RecordsStore(PatternRecords, QuorumRecords):
    """Implements GenerationJournal and PatternStore on SQLite or PostgreSQL. Safe for threads and processes.

    `url`: see `engine.parse_url`; a wrong one is a ConfigurationError. Connects on first use and migrates then.
    `busy_timeout_s`: how long a locked SQLite file is waited for before a record is spooled.
    """

    def __init__(self, url: str, spool_dir: Path, *, busy_timeout_s: float = 10.0, max_spooled: int = 10_000) -> None:
        super().__init__(Database(url, busy_timeout_s=busy_timeout_s))
        self._spool = Spool(spool_dir, max_records=max_spooled)

    def migrate(self) -> None:
        """Bring the schema up to date. Raises RecordsUnavailableError when that is not possible."""
        self.database.migrate()

    def write(self, record: GenerationRecord) -> None:
        """Write a generation, or spool it. Raises StorageError only if neither is possible."""
        self._write(record.result.correlation_id, payload_of(record), what="generation")

    def write_benchmark_outcomes(self, outcomes: Iterable[BenchmarkOutcome]) -> None:
        """Write outcomes, or spool them. A sample of a task of a run is kept once: writing it again changes nothing.

        Raises StorageError only if neither is possible.
        """
        self._write_some(payload_of_outcomes(outcomes), what="benchmark")

    def write_votes(self, votes: Iterable[VoteRow]) -> None:
        """Write votes about cases of a benchmark, or spool them; those whose id is there already stay as they are.

        Raises StorageError only if neither is possible.
        """
        self._write_some(payload_of_votes(votes), what="votes")

    def write_reported(self, reported: Iterable[ReportedRow]) -> None:
        """Write runs that another program measured, or spool them; those whose id is there already stay as they are.

        Raises StorageError only if neither is possible.
        """
        self._write_some(payload_of_reported(reported), what="reported")

    def benchmark_outcomes(self, benchmark_run: str) -> tuple[BenchmarkOutcome, ...]:
        """The outcomes of a run by task and sample, also those that wait in the spool.

        Raises RecordsUnavailableError.
        """
        run = storable(benchmark_run)
        stored = self.database.read(lambda c: queries.outcomes_of_run(c, run))
        waiting = [row for rows in self._spooled_rows() for row in rows.get(BenchmarkRow.__tablename__, ())]
        found: dict[tuple[str, int], BenchmarkOutcome] = {}
        for row in (*stored, *(row for row in waiting if row["benchmark_run"] == run)):
            found.setdefault((row["task_id"], row["sample"]), benchmark_outcome(row))
        return tuple(found[key] for key in sorted(found))

    def replay_spool(self) -> int:
        """Write what waits; the number of records written. Raises RecordsUnavailableError if the database is away."""
        return self._spool.replay(self._insert)

    def recent(self, limit: int) -> tuple[GenerationResult, ...]:
        """The newest generations of any status. Raises RecordsUnavailableError."""
        query = (
            select(Generation.result)
            .order_by(Generation.finished_at.desc(), Generation.correlation_id)
            .limit(max(0, limit))
        )
        return tuple(GenerationResult.model_validate(r) for r in self.database.read(lambda c: c.scalars(query).all()))

    def latest(self, request_id: str) -> GenerationResult | None:
        """The last result of a request, also one that still waits in the spool.

        Raises RecordsUnavailableError when the database is away and the spool does not know the request.
        """
        rows = self._newest(request_id)
        return None if rows is None else GenerationResult.model_validate(rows["generations"][0]["result"])

    def model_calls(self, request_id: str) -> tuple[ModelCall, ...]:
        """The calls of the last generation of a request, in the order in which they were made.

        Raises RecordsUnavailableError as `latest` does.
        """
        rows = self._newest(request_id)
        return () if rows is None else tuple(model_call(row) for row in rows["model_calls"])

    def recorded_generation(self, request_id: str) -> RecordedGeneration | None:
        """The last delivered generation of a request, with all that replays it.

        None when none was delivered, or the last one by a release that kept no recipes. `patterns` holds those of the
        recipe's that are still there. Raises RecordsUnavailableError, and StorageError for a damaged one.
        """
        rows = self._newest(request_id, is_delivered=True)
        generation = None if rows is None else rows["generations"][0]
        if rows is None or generation is None or generation.get("recipe") is None:
            return None
        recipe = recipe_from_text(generation["recipe"])
        return RecordedGeneration(
            result=GenerationResult.model_validate(generation["result"]),
            recipe=recipe,
            calls=tuple(model_call(row) for row in rows["model_calls"]),
            patterns=self._patterns_of(recipe),
        )

    def generations_as_patterns(self, correlation_ids: Sequence[uuid.UUID]) -> tuple[Pattern, ...]:
        """The patterns that these generations of an older release would have given, in this order.

        Those that are gone, or left no proven body, are left out. Raises RecordsUnavailableError.
        """
        if not correlation_ids:
            return ()
        rows = self.database.read(lambda c: queries.generations_by_id(c, correlation_ids))
        return tuple(pattern for pattern in map(pattern_of_generation, rows) if pattern is not None)

    def recorded_answers(self, request_sha256: str, *, session_id: str | None = None) -> tuple[ModelCall, ...]:
        """Every recorded call that asked this question, in the order in which they were made; no replayed ones.

        `session_id`: only those of requests with this session. Raises RecordsUnavailableError.
        """
        rows = self.database.read(lambda c: queries.calls_that_asked(c, request_sha256, session_id))
        return tuple(model_call(row) for row in rows)

    def recorded_models(self, *, session_id: str | None = None) -> tuple[str, ...]:
        """The models with recorded answers, in the order in which they were first asked.

        Raises RecordsUnavailableError.
        """
        return self.database.read(lambda c: queries.models_that_answered(c, session_id))

    def health(self) -> RecordsHealth:
        """Really connect, and ask whether a write would be taken."""
        state = self._spool.state()
        try:
            self.database.probe()
            is_connected, message = True, f"connected to {self.database.shown_url}"
        except RecordsUnavailableError as exc:
            is_connected, message = False, str(exc)
        return RecordsHealth(
            is_connected=is_connected,
            backend=self.database.backend,
            message=message,
            spooled_count=state.waiting_count,
            oldest_spooled_age_s=state.oldest_age_s,
            set_aside_count=state.set_aside_count,
        )

    def close(self) -> None:
        """Close all connections. The store can be used again afterwards."""
        self.database.close()

    def _write_some(self, payload: Payload, *, what: str) -> None:
        if any(payload.values()):
            self._write(f"{what}-{uuid.uuid4()}", payload, what=what)

    def _write(self, record_id: str, payload: Payload, *, what: str) -> None:
        try:
            self.database.refuse_during_pause()
            self._spool.replay(self._insert)
            self._insert(payload)
        except RecordsUnavailableError as exc:
            self._spool.append(record_id, payload)
            logger.warning("%s %s is spooled: %s", what, record_id, exc.message)
        except UnstorableError as exc:
            self._spool.set_aside(record_id, payload, str(exc))

    def _insert(self, payload: Payload) -> None:
        """One transaction. Raises UnstorableError or RecordsUnavailableError."""
        try:
            rows = typed_rows(payload)
        except (ValueError, TypeError, AttributeError) as exc:
            raise UnstorableError(f"not the rows of a generation: {exc}") from exc
        self.database.write(lambda connection: _insert_rows(connection, rows))

    def _patterns_of(self, recipe: Recipe) -> tuple[StoredPattern, ...]:
        if recipe.earlier:
            return tuple(map(StoredPattern, self.generations_as_patterns(recipe.earlier)))
        return self.patterns(recipe.patterns)

    def _newest(self, request_id: str, *, is_delivered: bool = False) -> dict[str, list[Row]] | None:
        """The last (delivered) generation of a request and its model calls in order, from the database or the spool.

        Raises RecordsUnavailableError when the database is away and the spool does not know the request.
        """
        spooled = self._newest_spooled(request_id, is_delivered=is_delivered)
        try:
            stored = self.database.read(lambda c: queries.newest_generation(c, request_id, is_delivered=is_delivered))
        except RecordsUnavailableError:
            if spooled is None:
                raise
            return spooled
        if spooled is None or stored is None:
            return spooled or stored
        is_spooled_newer = spooled["generations"][0]["finished_at"] >= stored["generations"][0]["finished_at"]
        return spooled if is_spooled_newer else stored

    def _newest_spooled(self, request_id: str, *, is_delivered: bool) -> dict[str, list[Row]] | None:
        newest: dict[str, list[Row]] | None = None
        for rows in self._spooled_rows():
            for row in rows.get("generations", ()):
                is_wanted = row["request_id"] == request_id and not (is_delivered and row["node_path"] is None)
                if is_wanted and (newest is None or row["finished_at"] >= newest["generations"][0]["finished_at"]):
                    newest = rows
        return newest

    def _spooled_rows(self) -> Iterator[dict[str, list[Row]]]:
        """The rows of each waiting record, oldest first; what is no record is left out."""
        for payload in self._spool.payloads():
            with contextlib.suppress(ValueError, TypeError, AttributeError):
                yield typed_rows(payload)


def _insert_rows(connection: Connection, rows: dict[str, list[Row]]) -> None:
    """All rows of a generation, unless it is there already; or those of another kind that are not there yet."""
    for name, table in (TABLES | BENCHMARK_TABLES | REPORTED_TABLES).items():
        if name in _LEARNED or not rows.get(name):
            continue
        inserted = learning.insert_new(connection, table, rows[name])
        if name == Generation.__tablename__ and not inserted:
            return
    for generation in rows.get(Generation.__tablename__, ()):
        learning.learn(
            connection,
            generation,
            patterns=rows["patterns"],
            reuses=rows["pattern_reuse_stats"],
            model_calls=len(rows["model_calls"]),
        )
