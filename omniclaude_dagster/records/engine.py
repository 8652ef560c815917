"""Connections to the records' database: URLs made uniform, secrets kept out of messages, safe settings per backend."""

import re
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from omniclaude_dagster.errors import ConfigurationError

_POSTGRES_NAMES = {"postgres", "postgresql"}
_SECRET_PARAMETERS = ("password", "sslpassword", "passfile")
_CONNECT_TIMEOUT_S = 5
_STATEMENT_TIMEOUT_S = 30
_DEAD_PEER_MS = 10_000


def parse_url(text: str) -> URL:
    """A SQLite or PostgreSQL URL. `postgres://` and `postgresql://` become `postgresql+psycopg2://`.

    Raises ConfigurationError, never with the URL's text in it: that may hold a password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    backend = url.drivername.partition("+")[0] if url is not None else ""
    if url is not None and backend in _POSTGRES_NAMES:
        return url.set(drivername="postgresql+psycopg2")
    if url is not None and backend == "sqlite" and url.database:
        return url.set(drivername="sqlite")
    raise ConfigurationError(
        "OMNICLAUDE_DATABASE_URL is not a database address that can be used.",
        cure="use sqlite:////absolute/path.sqlite3 or postgresql://user@host:5432/database",
    )


class Redactor:
    """Takes the secrets of one URL out of any text, in every spelling a driver may print them."""

    def __init__(self, url: URL) -> None:
        secrets = [url.password or "", *(str(url.query.get(name, "")) for name in _SECRET_PARAMETERS)]
        spellings = {s for secret in secrets if secret for s in (str(secret), quote(secret), quote_plus(secret))}
        self._pattern = re.compile("|".join(map(re.escape, sorted(spellings, key=len, reverse=True))) or r"(?!)")

    def __call__(self, text: object) -> str:
        """One line of text without secrets and without SQLAlchemy's link to its manual."""
        first = str(text).split("\n(Background on this error", maxsplit=1)[0].split("\n[SQL:", maxsplit=1)[0]
        return " ".join(self._pattern.sub("***", first).split())[:500]


def make_engine(url: URL, *, busy_timeout_s: float) -> Engine:
    """An engine that connects lazily. `busy_timeout_s`: how long a locked SQLite file is waited for."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": busy_timeout_s})
        _use_sqlite_transactions(engine, busy_timeout_s)
        return engine
    connect_args: dict[str, Any] = {
        "connect_timeout": _CONNECT_TIMEOUT_S,
        "tcp_user_timeout": _DEAD_PEER_MS,
        "application_name": "omniclaude",
    }
    for name in connect_args.keys() & url.query.keys():
        del connect_args[name]
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_timeout=10,
        # Whatever the database's default: who waited for a lock must see what the other one did (`learning.py`).
        isolation_level="READ COMMITTED",
        connect_args=connect_args,
    )
    _limit_statements(engine)
    return engine


def begin_write(connection: Connection) -> Connection:
    """Mark the next transaction as one that writes: SQLite then takes its lock at the start, so it can wait for it."""
    return connection.execution_options(is_write=True)


def sqlite_file(url: URL) -> Path | None:
    """The database file, or None for PostgreSQL and in-memory databases."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith((":memory:", "file:")):
        return None
    return Path(url.database)


def _use_sqlite_transactions(engine: Engine, busy_timeout_s: float) -> None:
    """Take transactions over from the sqlite3 module, which commits behind one's back before DDL."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        _switch_to_wal(connection, busy_timeout_s)

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        is_write = connection.get_execution_options().get("is_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")


def _switch_to_wal(connection: sqlite3.Connection, busy_timeout_s: float) -> None:
    """WAL stays in the file. The switch itself does not wait for other processes, so it is repeated."""
    deadline = time.monotonic() + busy_timeout_s
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as exc:
            if "readonly" in str(exc):
                return
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _limit_statements(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = '{_STATEMENT_TIMEOUT_S}s'; SET lock_timeout = '10s'")
        connection.commit()
