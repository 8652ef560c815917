"""Leaves something alone for a while after it failed, so that not everybody who comes waits for it in vain."""

import threading
from collections.abc import Callable

PAUSE_S = 30.0


class Pause:
    """Begins with a failure and ends by itself. Safe for threads. `clock` gives monotonic seconds."""

    def __init__(self, *, clock: Callable[[], float], pause_s: float = PAUSE_S) -> None:
        self._clock = clock
        self._pause_s = pause_s
        self._lock = threading.Lock()
        self._until: float | None = None
        self._reason = ""

    @property
    def reason(self) -> str:
        """Why it is left alone; empty when it may be tried."""
        with self._lock:
            is_on = self._until is not None and self._clock() < self._until
            return self._reason if is_on else ""

    def begin(self, reason: str) -> None:
        """It failed."""
        with self._lock:
            self._until, self._reason = self._clock() + self._pause_s, reason or "it failed"

    def end(self) -> None:
        """It answered."""
        with self._lock:
            self._until = None
