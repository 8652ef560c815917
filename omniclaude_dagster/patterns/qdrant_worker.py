"""How Qdrant's client library is called: in a thread of its own, with an overall deadline, with bounded answers."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import httpx

# 1,000 vectors of 4,096 numbers are not more.
MAX_ANSWER_BYTES = 64 * 1024 * 1024


class Worker:
    """A thread with an event loop. Local mode, which is not safe for threads, is only ever used by this one."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="qdrant", daemon=True)
        self._thread.start()

    def run[T](self, call: Coroutine[Any, Any, T], *, deadline_s: float) -> T:
        """The result of the call. Raises TimeoutError; the call is then cancelled and its connection closed."""
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(call, deadline_s), self._loop)
        try:
            # Another bound for a call that blocks the loop itself.
            return future.result(2 * deadline_s)
        except TimeoutError:
            future.cancel()
            raise

    def stop(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class BoundedTransport(httpx.AsyncHTTPTransport):
    """Ends an answer that is longer than any that was asked for."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body bounded."""
        response = await super().handle_async_request(request)
        if isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = _BoundedStream(response.stream)
        return response


class _BoundedStream(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise httpx.ReadError(f"the answer has more than {MAX_ANSWER_BYTES} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def failures() -> tuple[type[Exception], ...]:
    """What the client library raises for a server that is away, refuses, or answers in another shape."""
    from qdrant_client.common.client_exceptions import QdrantException
    from qdrant_client.http.exceptions import ApiException

    return (ApiException, QdrantException, httpx.HTTPError, OSError, TimeoutError, ValueError)
