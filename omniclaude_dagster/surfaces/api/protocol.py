"""HTTP/1.1 as uvicorn speaks it, with the deadlines and limits that it lacks below the application.

A head that drips in, a connection that says nothing, an answer that nobody reads: each ends after a while. What is
no HTTP at all is answered as a problem, like everything else.
"""

import asyncio
import uuid
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from omniclaude_dagster.surfaces.api.config import KIB, ServiceConfig
from omniclaude_dagster.surfaces.api.edge import FIXED_HEADERS
from omniclaude_dagster.surfaces.api.problems import MEDIA_TYPE, ProblemError

# In each `write_stall_s`.
_LEAST_READ_BYTES = 256 * KIB


class LimitedConfig(uvicorn.Config):
    """uvicorn's configuration with our limits in it: the only thing that it hands to a connection."""

    def __init__(self, app: Any, *, limits: ServiceConfig, **options: Any) -> None:
        super().__init__(app, http=DeadlineProtocol, **options)
        self.limits = limits


class DeadlineProtocol(H11Protocol):
    """One connection of a server whose configuration is a LimitedConfig."""

    def __init__(self, config: LimitedConfig, *args: Any, **options: Any) -> None:
        super().__init__(config, *args, **options)
        self.limits = config.limits
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._unread_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Turn away one connection too many; give the others a moment to say what they want."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.max_connections:
            self._refuse(ProblemError("overloaded", "too many connections.", headers={"Retry-After": "1"}))
        else:
            self._watch_head()

    def data_received(self, data: bytes) -> None:
        """Go on; the deadline of a head holds until it is complete."""
        super().data_received(data)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadlines."""
        _cancel(self._head_timer)
        self._head_timer = None
        _cancel(self._write_timer)
        self._write_timer = None
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client leaves the answer unread; not for ever."""
        super().pause_writing()
        if self._write_timer is None:
            self._watch_writing()

    def resume_writing(self) -> None:
        """It reads on."""
        _cancel(self._write_timer)
        self._write_timer = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close, also where the client never takes what is left of its answer."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(self.limits.write_stall_s, self.transport.abort)

    def send_400_response(self, msg: str) -> None:
        """What came in is no HTTP."""
        self._refuse(ProblemError("not-http", msg))

    def _watch_writing(self) -> None:
        self._unread_bytes = self.transport.get_write_buffer_size()
        self._write_timer = self.loop.call_later(self.limits.write_stall_s, self._writing_is_late)

    def _writing_is_late(self) -> None:
        """Go on waiting for a client that reads, however large its answer is."""
        if self.transport.get_write_buffer_size() > self._unread_bytes - _LEAST_READ_BYTES:
            self.transport.abort()
        else:
            self._watch_writing()

    def _watch_head(self) -> None:
        is_waiting = self.conn.their_state is h11.IDLE and not self.transport.is_closing()
        if not is_waiting:
            _cancel(self._head_timer)
            self._head_timer = None
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.limits.head_deadline_s, self._head_is_late)

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self.conn.their_state is h11.IDLE and self.conn.our_state is h11.IDLE:
            self._refuse(ProblemError("too-slow", "the head of the request was not complete in time."))

    def _refuse(self, problem: ProblemError) -> None:
        """Answer and close, past the application."""
        if self.transport.is_closing():
            return
        if self.cycle is not None:
            # What an application still works on has nobody to go to.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        body = problem.body(uuid.uuid4().hex)
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            own = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), "connection": "close"}
            headers = [(name.encode(), value.encode()) for name, value in (own | problem.headers).items()]
            head = h11.Response(status_code=problem.status, headers=[*headers, *FIXED_HEADERS])
            self.transport.write((self.conn.send(head) or b"") + body)
        self.transport.close()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
