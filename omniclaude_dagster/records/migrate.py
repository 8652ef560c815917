"""Brings the database to the newest schema, in this process. Two processes may do so at once: one waits."""

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from omniclaude_dagster.records.engine import begin_write

# Its own name: the same PostgreSQL database may hold Dagster's tables, which have an alembic_version as well.
VERSION_TABLE = "omniclaude_alembic_version"
_ADVISORY_LOCK = 0x6F6D_6E69_636C_6175 & 0x7FFF_FFFF_FFFF_FFFF
# Alembic keeps its context in module globals.
_one_at_a_time = threading.Lock()


def upgrade(engine: Engine, *, revision: str = "head") -> None:
    """Apply what is missing, all in one transaction. Raises SQLAlchemyError or alembic's CommandError."""
    if revision == "head" and current_revision(engine) == head_revision():
        return
    with _one_at_a_time, engine.connect() as connection, begin_write(connection).begin():
        command.upgrade(_config(_locked(connection)), revision)


def downgrade(engine: Engine, *, revision: str) -> None:
    """Undo migrations down to `revision` ("base": all). Rows of dropped tables are gone."""
    with _one_at_a_time, engine.connect() as connection, begin_write(connection).begin():
        command.downgrade(_config(_locked(connection)), revision)


def current_revision(engine: Engine) -> str | None:
    """The revision the database is at; None before the first migration."""
    with engine.connect() as connection:
        if not engine.dialect.has_table(connection, VERSION_TABLE):
            return None
        return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608


def head_revision() -> str | None:
    """The newest revision this release knows."""
    return ScriptDirectory.from_config(_config(None)).get_current_head()


def _locked(connection: Connection) -> Connection:
    """On SQLite BEGIN IMMEDIATE is the lock already; PostgreSQL needs one that ends with the transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    return connection


def _config(connection: Connection | None) -> Config:
    config = Config()
    folder = Path(__file__).resolve().parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
