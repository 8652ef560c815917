"""The one door to the system of record: writes finished generations, finds earlier ones, says how it is.

A generation is one transaction, recognised by its correlation id: writing it again changes nothing. While the
database is away, records wait in the spool and go in, in order, before the next one that succeeds.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from alembic.util import CommandError
from sqlalchemy import Connection, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError

from omniclaude_dagster.errors import RecordsUnavailableError
from omniclaude_dagster.records import migrate
from omniclaude_dagster.records.engine import Redactor, begin_write, make_engine, parse_url, sqlite_file
from omniclaude_dagster.records.rows import Payload, Row, payload_of, storable, typed_rows
from omniclaude_dagster.records.schema import TABLES, Generation
from omniclaude_dagster.records.spool import Spool, UnstorableError
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.stages.model import EarlierGeneration, GenerationRecord, GenerationResult

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
        payload = payload_of(record)
        record_id = record.result.correlation_id
        try:
            self._refuse_during_pause()
            self._spool.replay(self._insert)
            self._insert(payload)
        except RecordsUnavailableError as exc:
            self._spool.append(record_id, payload)
            logger.warning("generation %s is spooled: %s", record_id, exc.message)
        except UnstorableError as exc:
            self._spool.set_aside(record_id, payload, str(exc))

    def replay_spool(self) -> int:
        """Write what waits; the number of records written. Raises RecordsUnavailableError if the database is away."""
        return self._spool.replay(self._insert)

    def published(self, *, node_kind: NodeKind, limit: int) -> tuple[EarlierGeneration, ...]:
        """The newest published generations of a kind. Raises RecordsUnavailableError."""
        query = (
            select(Generation.__table__)
            .where(Generation.node_kind == node_kind.value, Generation.status == "published")
            .order_by(Generation.finished_at.desc(), Generation.correlation_id)
            .limit(max(0, limit))
        )
        return tuple(_earlier(row) for row in self._read(lambda c: c.execute(query).mappings().all()))

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
        spooled = self._newest_spooled(request_id)
        query = (
            select(Generation.result, Generation.finished_at)
            .where(Generation.request_id == storable(request_id))
            .order_by(Generation.finished_at.desc(), Generation.correlation_id)
            .limit(1)
        )
        try:
            stored = self._read(lambda c: c.execute(query).first())
        except RecordsUnavailableError:
            if spooled is None:
                raise
            stored = None
        if spooled is not None and (stored is None or spooled["finished_at"] >= stored.finished_at):
            return GenerationResult.model_validate(spooled["result"])
        return GenerationResult.model_validate(stored.result) if stored is not None else None

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
            for name, table in TABLES.items():
                if not rows[name]:
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

    def _newest_spooled(self, request_id: str) -> Row | None:
        newest: Row | None = None
        for payload in self._spool.payloads():
            try:
                row = typed_rows(payload)["generations"][0]
            except (ValueError, TypeError, AttributeError):
                continue
            if row["request_id"] == request_id and (newest is None or row["finished_at"] >= newest["finished_at"]):
                newest = row
        return newest


def _earlier(row: Any) -> EarlierGeneration:
    logic = dict(row["logic"])
    return EarlierGeneration(
        request_id=row["request_id"],
        node_kind=NodeKind(row["node_kind"]),
        name=row["node_name"] or "",
        domain=row["domain"] or "",
        description=str(logic.get("description") or row["prompt"]),
        quality_score=row["quality_score"],
        logic=logic,
    )
