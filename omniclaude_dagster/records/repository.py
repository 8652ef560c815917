"""The one door to the system of record: writes generations and benchmark outcomes, finds them again, says how it is.

A generation is one transaction, recognised by its correlation id: writing it again changes nothing. While the
database is away, records wait in the spool and go in, in order, before the next one that succeeds.
"""

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from alembic.util import CommandError
from sqlalchemy import Connection, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError

from omniclaude_dagster.errors import RecordsUnavailableError
from omniclaude_dagster.providers.model import ModelCall
from omniclaude_dagster.records import migrate, queries
from omniclaude_dagster.records.engine import Redactor, begin_write, make_engine, parse_url, sqlite_file
from omniclaude_dagster.records.read_back import benchmark_outcome, earlier_generation, model_call
from omniclaude_dagster.records.rows import Payload, Row, payload_of, payload_of_outcomes, storable, typed_rows
from omniclaude_dagster.records.schema import BENCHMARK_TABLES, TABLES, BenchmarkRow, Generation
from omniclaude_dagster.records.spool import Spool, UnstorableError
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.stages.model import BenchmarkOutcome, EarlierGeneration, GenerationRecord, GenerationResult
from omniclaude_dagster.stages.recipe import RecordedGeneration, recipe_from_text

logger = logging.getLogger(__name__)
T = TypeVar("T")

_AWAY_CURE = "start the database or correct OMNICLAUDE_DATABASE_URL; nothing is lost meanwhile: records are spooled"
# A host that swallows packets costs the whole connect timeout; ten times as long it is not asked again.
_PAUSE_FACTOR = 10.0
_MAX_PAUSE_S = 60.0


@dataclass(frozen=True)
class RecordsHealth:
    """Whether the database really answers and takes writes, and what waits for it."""

    is_connected: bool
    backend: str
    message: str
    spooled_count: int
    oldest_spooled_age_s: float | None
    set_aside_count: int = 0


class RecordsStore:
    """Implements GenerationJournal and GenerationHistory on SQLite or PostgreSQL. Safe for threads and processes.

    `url`: see `engine.parse_url`; a wrong one is a ConfigurationError. Connects on first use and migrates then.
    `busy_timeout_s`: how long a locked SQLite file is waited for before a record is spooled.
    """

    def __init__(self, url: str, spool_dir: Path, *, busy_timeout_s: float = 10.0, max_spooled: int = 10_000) -> None:
        self._url = parse_url(url)
        self._redact = Redactor(self._url)
        self._engine = make_engine(self._url, busy_timeout_s=busy_timeout_s)
        self._spool = Spool(spool_dir, max_records=max_spooled)
        self._file = sqlite_file(self._url)
        self._schema_lock = threading.Lock()
        self._is_migrated = False
        self._ask_again_at = 0.0

    def migrate(self) -> None:
        """Bring the schema up to date. Raises RecordsUnavailableError when that is not possible."""
        self._is_migrated = False
        self._guarded(self._ensure_schema)

    def write(self, record: GenerationRecord) -> None:
        """Write a generation, or spool it. Raises StorageError only if neither is possible."""
        self._write(record.result.correlation_id, payload_of(record), what="generation")

    def write_benchmark_outcomes(self, outcomes: Iterable[BenchmarkOutcome]) -> None:
        """Write outcomes, or spool them. A sample of a task of a run is kept once: writing it again changes nothing.

        Raises StorageError only if neither is possible.
        """
        payload = payload_of_outcomes(outcomes)
        if payload[BenchmarkRow.__tablename__]:
            self._write(f"benchmark-{uuid.uuid4()}", payload, what="outcomes")

    def benchmark_outcomes(self, benchmark_run: str) -> tuple[BenchmarkOutcome, ...]:
        """The outcomes of a run by task and sample, also those that wait in the spool.

        Raises RecordsUnavailableError.
        """
        run = storable(benchmark_run)
        stored = self._read(lambda c: queries.outcomes_of_run(c, run))
        waiting = [row for rows in self._spooled_rows() for row in rows.get(BenchmarkRow.__tablename__, ())]
        found: dict[tuple[str, int], BenchmarkOutcome] = {}
        for row in (*stored, *(row for row in waiting if row["benchmark_run"] == run)):
            found.setdefault((row["task_id"], row["sample"]), benchmark_outcome(row))
        return tuple(found[key] for key in sorted(found))

    def replay_spool(self) -> int:
        """Write what waits; the number of records written. Raises RecordsUnavailableError if the database is away."""
        return self._spool.replay(self._insert)

    def published(self, *, node_kind: NodeKind, limit: int) -> tuple[EarlierGeneration, ...]:
        """The newest published generations of a kind. Raises RecordsUnavailableError."""
        rows = self._read(lambda c: queries.published_generations(c, node_kind.value, limit))
        return tuple(earlier_generation(row) for row in rows)

    def recent(self, limit: int) -> tuple[GenerationResult, ...]:
        """The newest generations of any status. Raises RecordsUnavailableError."""
        query = (
            select(Generation.result)
            .order_by(Generation.finished_at.desc(), Generation.correlation_id)
            .limit(max(0, limit))
        )
        return tuple(GenerationResult.model_validate(r) for r in self._read(lambda c: c.scalars(query).all()))

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

        None when none was delivered, or the last one by a release that kept no recipes. `earlier` holds those of the
        recipe's that still stand in the records. Raises RecordsUnavailableError, and StorageError for a damaged one.
        """
        rows = self._newest(request_id, is_delivered=True)
        generation = None if rows is None else rows["generations"][0]
        if rows is None or generation is None or generation.get("recipe") is None:
            return None
        recipe = recipe_from_text(generation["recipe"])
        earlier = self._read(lambda c: queries.generations_by_id(c, recipe.earlier)) if recipe.earlier else []
        return RecordedGeneration(
            result=GenerationResult.model_validate(generation["result"]),
            recipe=recipe,
            calls=tuple(model_call(row) for row in rows["model_calls"]),
            earlier=tuple(earlier_generation(row) for row in earlier),
        )

    def recorded_answers(self, request_sha256: str, *, session_id: str | None = None) -> tuple[ModelCall, ...]:
        """Every recorded call that asked this question, in the order in which they were made; no replayed ones.

        `session_id`: only those of requests with this session. Raises RecordsUnavailableError.
        """
        rows = self._read(lambda c: queries.calls_that_asked(c, request_sha256, session_id))
        return tuple(model_call(row) for row in rows)

    def recorded_models(self, *, session_id: str | None = None) -> tuple[str, ...]:
        """The models with recorded answers, in the order in which they were first asked.

        Raises RecordsUnavailableError.
        """
        return self._read(lambda c: queries.models_that_answered(c, session_id))

    def health(self) -> RecordsHealth:
        """Really connect, and ask whether a write would be taken."""
        state = self._spool.state()
        try:
            self._guarded(self._probe)
            is_connected, message = True, f"connected to {self._shown_url()}"
        except RecordsUnavailableError as exc:
            is_connected, message = False, str(exc)
        return RecordsHealth(
            is_connected=is_connected,
            backend=self._url.get_backend_name(),
            message=message,
            spooled_count=state.waiting_count,
            oldest_spooled_age_s=state.oldest_age_s,
            set_aside_count=state.set_aside_count,
        )

    def close(self) -> None:
        """Close all connections. The store can be used again afterwards."""
        self._engine.dispose()

    def _write(self, record_id: str, payload: Payload, *, what: str) -> None:
        try:
            self._refuse_during_pause()
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
        # A connection may have been cut, or the tables dropped, since it was last used: once more from the start.
        if self._is_migrated:
            try:
                self._guarded(lambda: self._insert_once(rows))
                return
            except RecordsUnavailableError:
                self._is_migrated = False
        self._guarded(lambda: self._insert_once(rows))

    def _refuse_during_pause(self) -> None:
        if time.monotonic() < self._ask_again_at:
            raise RecordsUnavailableError("the records' database did not answer a moment ago.")

    def _insert_once(self, rows: dict[str, list[Row]]) -> None:
        self._ensure_schema()
        try:
            self._insert_rows(rows)
        except (IntegrityError, DataError, OverflowError, ValueError, TypeError) as exc:
            raise UnstorableError(self._redact(exc)) from None
        except StatementError as exc:
            if isinstance(exc, DBAPIError):
                raise
            raise UnstorableError(self._redact(exc)) from None

    def _insert_rows(self, rows: dict[str, list[Row]]) -> None:
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        with self._engine.connect() as connection, begin_write(connection).begin():
            for name, table in (TABLES | BENCHMARK_TABLES).items():
                if not rows.get(name):
                    continue
                done = connection.execute(insert(table).on_conflict_do_nothing(), rows[name])
                if name == Generation.__tablename__ and done.rowcount == 0:
                    return

    def _ensure_schema(self) -> None:
        with self._schema_lock:
            if self._file is not None and not self._file.exists():
                # Pooled connections would go on writing into the deleted file.
                self._engine.dispose()
                self._is_migrated = False
                self._file.parent.mkdir(parents=True, exist_ok=True)
            if not self._is_migrated:
                migrate.upgrade(self._engine)
                self._is_migrated = True

    def _read(self, query: Callable[[Connection], T]) -> T:
        def run() -> T:
            self._ensure_schema()
            with self._engine.connect() as connection:
                return query(connection)

        if self._is_migrated:
            try:
                return self._guarded(run)
            except RecordsUnavailableError:
                self._is_migrated = False
        return self._guarded(run)

    def _probe(self) -> None:
        self._ensure_schema()
        with self._engine.connect() as connection, begin_write(connection).begin():
            if connection.dialect.name == "postgresql":
                is_read_only = connection.execute(text("SHOW transaction_read_only")).scalar() == "on"
                if is_read_only:
                    raise RecordsUnavailableError("the records' database is read-only.", cure=_AWAY_CURE)
            connection.execute(select(Generation.correlation_id).limit(1)).all()

    def _guarded(self, action: Callable[[], T]) -> T:
        """Run `action`; whatever the database does wrong becomes RecordsUnavailableError."""
        started = time.monotonic()
        try:
            answer = action()
        except (SQLAlchemyError, CommandError, OSError) as exc:
            elapsed = time.monotonic() - started
            self._ask_again_at = time.monotonic() + min(_MAX_PAUSE_S, _PAUSE_FACTOR * elapsed) * (elapsed > 1)
            raise self._unavailable(exc) from None
        self._ask_again_at = 0.0
        return answer

    def _unavailable(self, exc: Exception) -> RecordsUnavailableError:
        reason = getattr(exc, "orig", None) or exc
        if isinstance(exc, CommandError):
            return RecordsUnavailableError(
                f"the records' database at {self._shown_url()} cannot be migrated: {self._redact(reason)}.",
                cure="it was made by a newer release: update omniclaude, or name another database",
            )
        return RecordsUnavailableError(
            f"the records' database at {self._shown_url()} cannot be used: {self._redact(reason)}.", cure=_AWAY_CURE
        )

    def _shown_url(self) -> str:
        return self._redact(self._url.render_as_string(hide_password=True))

    def _newest(self, request_id: str, *, is_delivered: bool = False) -> dict[str, list[Row]] | None:
        """The last (delivered) generation of a request and its model calls in order, from the database or the spool.

        Raises RecordsUnavailableError when the database is away and the spool does not know the request.
        """
        spooled = self._newest_spooled(request_id, is_delivered=is_delivered)
        try:
            stored = self._read(lambda c: queries.newest_generation(c, request_id, is_delivered=is_delivered))
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
