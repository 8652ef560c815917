"""Work that blocks, kept off the event loop: a few threads, a bounded queue, a deadline. And searches, which are quick.

Measured by bench/service.py: a search of 10,000 patterns takes about 2 ms, and one in a thread beside a busy event loop
half as much again, since both want Python's lock. So a search is done at once where nothing in it can wait.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from omniclaude_dagster.surfaces.api.config import ServiceConfig
from omniclaude_dagster.surfaces.api.problems import ProblemError, unavailable


class BlockingWork:
    """Runs functions in threads. Used from one event loop; one a process."""

    def __init__(self, config: ServiceConfig) -> None:
        self._deadline_s = config.work_deadline_s
        self._limit = config.threads + config.max_waiting
        self._pool = ThreadPoolExecutor(config.threads, thread_name_prefix="service")
        self._under_way = 0

    async def run[T](self, action: Callable[[], T]) -> T:
        """What `action` gives or raises. Raises ProblemError 503 when too much waits, or when it takes too long.

        An action that takes too long goes on in its thread, and counts as waiting until it has ended.
        """
        if self._under_way >= self._limit:
            raise ProblemError("overloaded", "too many requests wait already.", headers={"Retry-After": "1"})
        self._under_way += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, action)
        future.add_done_callback(self._ended)
        try:
            async with asyncio.timeout(self._deadline_s):
                return await asyncio.shield(future)
        except TimeoutError:
            if future.done() and not future.cancelled():
                return future.result()
            raise unavailable(f"there was no answer within {self._deadline_s:g} seconds") from None

    def close(self) -> None:
        """Let running work end; what waits is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ended(self, future: "asyncio.Future[Any]") -> None:
        self._under_way -= 1
        if not future.cancelled():
            # Nobody may be waiting any more; the error was theirs to see.
            future.exception()


class SearchWork:
    """Runs searches: on the event loop where that is quick, else in threads.

    `is_in_process`: library, index and embedding model are in this process or in a local file. Even then the first
    search after a pause goes into a thread, since it may have much to load; and after a slow one all do for a while.
    """

    RECENT_S: Final = 1.0
    SLOW_S: Final = 0.25
    PAUSE_S: Final = 30.0

    def __init__(self, work: BlockingWork, *, is_in_process: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._work = work
        self._is_in_process = is_in_process
        self._clock = clock
        self._ended_at = float("-inf")
        self._threads_until = float("-inf")

    async def run[T](self, search: Callable[[], T]) -> T:
        """What `search` gives or raises. Raises ProblemError as `BlockingWork.run` does."""
        began_at = self._clock()
        is_quick = began_at - self._ended_at < self.RECENT_S and began_at >= self._threads_until
        if not (self._is_in_process and is_quick):
            try:
                return await self._work.run(search)
            finally:
                self._ended_at = self._clock()
        try:
            return search()
        finally:
            self._ended_at = self._clock()
            if self._ended_at - began_at > self.SLOW_S:
                self._threads_until = self._ended_at + self.PAUSE_S
