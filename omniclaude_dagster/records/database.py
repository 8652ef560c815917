"""The records' database as a whole: connects on first use, migrates then, and turns its failures into our errors.

Knows no table but the one it probes. What is read and written is the matter of the modules that hand in functions.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from alembic.util import CommandError
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError

from omniclaude_dagster.errors import RecordsUnavailableError
from omniclaude_dagster.records import migrate
from omniclaude_dagster.records.engine import Redactor, begin_write, make_engine, parse_url, sqlite_file
from omniclaude_dagster.records.schema import Generation
from omniclaude_dagster.records.spool import UnstorableError

T = TypeVar("T")

_AWAY_CURE = "start the database or correct OMNICLAUDE_DATABASE_URL; generations wait in the spool meanwhile"
# A host that swallows packets costs the whole connect timeout; ten times as long it is not asked again.
_PAUSE_FACTOR = 10.0
_MAX_PAUSE_S = 60.0


class Database:
    """SQLite or PostgreSQL behind functions that take a connection. Safe for threads.

    `url`: see `engine.parse_url`. `busy_timeout_s`: how long a locked SQLite file is waited for.
    """

    def __init__(self, url: str, *, busy_timeout_s: float) -> None:
        self.url = parse_url(url)
        self.engine: Engine = make_engine(self.url, busy_timeout_s=busy_timeout_s)
        self._redact = Redactor(self.url)
        self._file = sqlite_file(self.url)
        self._schema_lock = threading.Lock()
        self._is_migrated = False
        self._ask_again_at = 0.0

    @property
    def backend(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.url.get_backend_name()

    @property
    def shown_url(self) -> str:
        """The address without its secrets."""
        return self._redact(self.url.render_as_string(hide_password=True))

    def migrate(self) -> None:
        """Bring the schema up to date. Raises RecordsUnavailableError when that is not possible."""
        self._is_migrated = False
        self._guarded(self._ensure_schema)

    def read(self, query: Callable[[Connection], T]) -> T:
        """What `query` finds. Raises RecordsUnavailableError."""

        def run() -> T:
            self._ensure_schema()
            with self.engine.connect() as connection:
                return query(connection)

        return self._twice(run)

    def write(self, action: Callable[[Connection], T]) -> T:
        """Run `action` in one transaction, and once more from the start if the connection was lost meanwhile.

        Raises UnstorableError for what no database will ever take, else RecordsUnavailableError.
        """

        def run() -> T:
            self._ensure_schema()
            try:
                with self.engine.connect() as connection, begin_write(connection).begin():
                    return action(connection)
            except (IntegrityError, DataError, OverflowError, ValueError, TypeError) as exc:
                raise UnstorableError(self._redact(exc)) from None
            except StatementError as exc:
                if isinstance(exc, DBAPIError):
                    raise
                raise UnstorableError(self._redact(exc)) from None

        return self._twice(run)

    def probe(self) -> None:
        """Really connect, and ask whether a write would be taken. Raises RecordsUnavailableError."""
        self._guarded(self._probe)

    def refuse_during_pause(self) -> None:
        """Raise RecordsUnavailableError at once where the database made us wait a moment ago."""
        if time.monotonic() < self._ask_again_at:
            raise RecordsUnavailableError("the records' database did not answer a moment ago.")

    def close(self) -> None:
        """Close all connections. The database can be used again afterwards."""
        self.engine.dispose()

    def _twice(self, action: Callable[[], T]) -> T:
        """A connection may have been cut, or the tables dropped, since it was last used: then once more."""
        if self._is_migrated:
            try:
                return self._guarded(action)
            except RecordsUnavailableError:
                self._is_migrated = False
        return self._guarded(action)

    def _ensure_schema(self) -> None:
        with self._schema_lock:
            if self._file is not None and not self._file.exists():
                # Pooled connections would go on writing into the deleted file.
                self.engine.dispose()
                self._is_migrated = False
                self._file.parent.mkdir(parents=True, exist_ok=True)
            if not self._is_migrated:
                migrate.upgrade(self.engine)
                self._is_migrated = True

    def _probe(self) -> None:
        self._ensure_schema()
        with self.engine.connect() as connection, begin_write(connection).begin():
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
                f"the records' database at {self.shown_url} cannot be migrated: {self._redact(reason)}.",
                cure="it was made by a newer release: update omniclaude, or name another database",
            )
        return RecordsUnavailableError(
            f"the records' database at {self.shown_url} cannot be used: {self._redact(reason)}.", cure=_AWAY_CURE
        )


class RecordsPart:
    """What shares one database with the other parts of the records."""

    def __init__(self, database: Database) -> None:
        self.database = database
