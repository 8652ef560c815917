"""Records on disk while the database is away: one file a record, in order, complete or not there at all.

Knows nothing about SQL. A record leaves the spool only after it was delivered; delivering twice must therefore be
harmless, which the store guarantees by ids. What can never be delivered is set aside under `.corrupt` with the
reason beside it, and never blocks the others.
"""

import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omniclaude_dagster.atomic_files import file_lock, remove_abandoned, storage_error, write_atomically
from omniclaude_dagster.errors import StorageError

logger = logging.getLogger(__name__)

_SUFFIX = ".json"


class UnstorableError(Exception):
    """This record can never be delivered; the message says why."""


@dataclass(frozen=True)
class SpoolState:
    """What waits. `oldest_age_s` is None when nothing does."""

    waiting_count: int
    set_aside_count: int
    oldest_age_s: float | None


class Spool:
    """A folder of waiting records. Any number of processes may append and replay at the same time."""

    def __init__(self, folder: Path, *, max_records: int = 10_000, lock_wait_s: float = 10.0) -> None:
        self._folder = folder
        self._max_records = max_records
        self._lock_wait_s = lock_wait_s

    def append(self, record_id: str, payload: dict[str, Any]) -> None:
        """Keep a record. Raises StorageError when the spool is full or cannot be written."""
        try:
            with file_lock(self._folder / ".append.lock", wait_s=self._lock_wait_s):
                waiting = self.waiting()
                if len(waiting) >= self._max_records:
                    raise StorageError(
                        f"the spool {self._folder} is full: {len(waiting)} records wait for the database.",
                        cure="bring the database back, or stop generating until it is back",
                    )
                write_atomically(self._next_path(waiting, record_id), _encode(payload))
        except OSError as exc:
            raise storage_error(f"the spool {self._folder} cannot be written", exc) from exc

    def set_aside(self, record_id: str, payload: dict[str, Any], reason: str) -> None:
        """Keep a record that no database will take, for a person to look at."""
        path = self._folder / f"{time.time_ns():020d}-{record_id}{_SUFFIX}.corrupt"
        try:
            write_atomically(path, _encode(payload))
        except OSError as exc:
            raise storage_error(f"the spool {self._folder} cannot be written", exc) from exc
        self._explain(path, reason)

    def replay(self, deliver: Callable[[dict[str, Any]], None]) -> int:
        """Deliver what waits, oldest first; the number delivered. Stops at the first error of `deliver`.

        While another process replays, waits for it, and gives up after `lock_wait_s` with 0.
        """
        if not self.waiting():
            return 0
        delivered = 0
        with contextlib.ExitStack() as stack:
            try:
                is_mine = stack.enter_context(file_lock(self._folder / ".replay.lock", wait_s=self._lock_wait_s))
            except OSError as exc:
                logger.error("the spool %s cannot be replayed: %s", self._folder, exc.strerror)  # noqa: TRY400
                return 0
            if not is_mine:
                return 0
            for path in self.waiting():
                delivered += self._deliver_one(path, deliver)
            # Their records were never acknowledged.
            remove_abandoned(self._folder)
        return delivered

    def waiting(self) -> list[Path]:
        """Files that wait, oldest first."""
        return sorted(self._named(_SUFFIX))

    def payloads(self) -> Iterator[dict[str, Any]]:
        """What waits, oldest first; unreadable files are left out."""
        for path in self.waiting():
            with contextlib.suppress(OSError, ValueError):
                yield _decode(path.read_bytes())

    def state(self) -> SpoolState:
        """Counts and age, for health checks."""
        waiting = self.waiting()
        age_s = None
        if waiting:
            with contextlib.suppress(OSError):
                age_s = max(0.0, time.time() - waiting[0].stat().st_mtime)
        return SpoolState(len(waiting), len(self._named(".corrupt")), age_s)

    def _named(self, suffix: str) -> list[Path]:
        try:
            return [p for p in self._folder.iterdir() if p.name.endswith(suffix) and not p.name.startswith(".")]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _next_path(self, waiting: list[Path], record_id: str) -> Path:
        """A name after all others, also when the clock was set back."""
        last = waiting[-1].name.partition("-")[0] if waiting else "0"
        number = max(time.time_ns(), int(last) + 1 if last.isdigit() else 0)
        return self._folder / f"{number:020d}-{record_id}{_SUFFIX}"

    def _deliver_one(self, path: Path, deliver: Callable[[dict[str, Any]], None]) -> int:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return 0
        except OSError as exc:
            logger.error("the spooled record %s cannot be read: %s", path, exc.strerror)  # noqa: TRY400
            return 0
        try:
            deliver(_decode(content))
        except (UnstorableError, ValueError) as exc:
            aside = path.with_name(f"{path.name}.corrupt")
            path.rename(aside)
            self._explain(aside, str(exc))
            return 0
        path.unlink(missing_ok=True)
        return 1

    def _explain(self, path: Path, reason: str) -> None:
        logger.error("record set aside as %s: %s", path, reason)
        with contextlib.suppress(OSError):
            write_atomically(path.with_name(f"{path.name}.reason.txt"), f"{reason}\n".encode())


def _encode(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload, ensure_ascii=True, allow_nan=False).encode()


def _decode(content: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(content)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(payload, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one error type for every kind of broken file
    return payload
