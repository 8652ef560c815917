"""Work that blocks, kept off the event loop: a few threads, a bounded queue, a deadline."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from omniclaude_dagster.surfaces.api.config import ServiceConfig
from omniclaude_dagster.surfaces.api.problems import ProblemError, unavailable


class BlockingWork:
    """Runs functions in threads. Used from one event loop; one a process."""

    def __init__(self, config: ServiceConfig) -> None:
        self._deadline_s = config.work_deadline_s
        self._limit = config.threads + config.max_waiting
        self._pool = ThreadPoolExecutor(config.threads, thread_name_prefix="service") if config.threads else None
        self._under_way = 0

    async def run[T](self, action: Callable[[], T]) -> T:
        """What `action` gives or raises. Raises ProblemError 503 when too much waits, or when it takes too long.

        An action that takes too long goes on in its thread, and counts as waiting until it has ended.
        """
        if self._pool is None:
            return action()
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
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _ended(self, future: "asyncio.Future[Any]") -> None:
        self._under_way -= 1
        if not future.cancelled():
            # Nobody may be waiting any more; the error was theirs to see.
            future.exception()
