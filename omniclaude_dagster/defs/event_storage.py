"""Dagster's SQLite event log with its connections kept open, for runs in the command line's own process.

Dagster 1.13 builds an engine and opens a file for each of the hundred events of a run; that alone was a second.
The files are the same: the UI and the daemon read them with Dagster's own class.
"""

import contextlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, Self

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

_BUSY_TIMEOUT_S = 60
_MAX_OPEN_SHARDS = 4


class PooledSqliteEventLogStorage(SqliteEventLogStorage):
    """One open connection to the index and to each of the last few runs."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Build it from `dagster.yaml`."""
        return cls(inst_data=inst_data, **config_value)

    @contextlib.contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.get(shard)
        if engine is None:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=QueuePool,
                pool_size=1,
                connect_args={"timeout": _BUSY_TIMEOUT_S, "check_same_thread": False},
            )
            event.listen(engine, "connect", _without_waiting_for_the_disk)
            self._engines[shard] = engine
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
        self._engines.move_to_end(shard)
        while len(self._engines) > _MAX_OPEN_SHARDS:
            self._engines.popitem(last=False)[1].dispose()
        return engine

    def dispose(self) -> None:
        """Close everything."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()


def _without_waiting_for_the_disk(connection: Any, _record: object) -> None:
    """A killed process loses nothing; a power cut may lose the last events of a log, never its consistency."""
    connection.execute("PRAGMA synchronous = NORMAL")
