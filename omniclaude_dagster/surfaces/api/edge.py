"""The outermost layer of the service: request ids, headers of every answer, the access log, and the last resort.

Nothing that is logged here is a body, a header or a query. An answer to a request whose body was not read ends the
connection, after what is still coming in was thrown away for a moment: a client that writes first and reads then
would otherwise see a reset connection instead of the answer.
"""

import asyncio
import contextlib
import json
import logging
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from omniclaude_dagster.request.model import REQUEST_ID_PATTERN
from omniclaude_dagster.surfaces.api.config import KIB, ServiceConfig
from omniclaude_dagster.surfaces.api.guard import CALLER
from omniclaude_dagster.surfaces.api.problems import ProblemError, answer

logger = logging.getLogger(__name__)
access_logger = logging.getLogger(f"{__name__}.access")

# Where the id stands in an ASGI scope.
REQUEST_ID = "omniclaude.request_id"
_CLIENT_GONE = 499
FIXED_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
_CLOSE = (b"connection", b"close")
_MAX_DRAINED_BYTES = 64 * KIB * KIB
_DRAIN_S = 2.0
_MAX_LOGGED_CHARS = 200


class Edge:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, *, config: ServiceConfig) -> None:
        self._app = app
        self._is_access_logged = config.is_access_logged

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request from its head to its log line."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[REQUEST_ID] = _request_id(scope)
        exchange = _Exchange(scope, receive, send)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            exchange.status = _CLIENT_GONE
        except Exception:
            # The last place where a caller can be told; the log gets the whole story.
            logger.exception("request %s failed", scope[REQUEST_ID])
            if exchange.status:
                raise
            problem = answer(ProblemError("internal", "the log of the service says why."), scope[REQUEST_ID])
            await problem(scope, exchange.receive, exchange.send)
        finally:
            if self._is_access_logged:
                _log_access(scope, exchange)


@dataclass
class _Exchange:
    """One request and its answer. `status` is 0 until the answer has begun."""

    scope: Scope
    _receive: Receive
    _send: Send
    status: int = 0
    started_at: float = field(default_factory=time.perf_counter)
    _is_read: bool = False
    _must_close: bool = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            self._is_read = True
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._must_close = not self._is_read and _has_body(self.scope)
            own = ((b"x-request-id", self.scope[REQUEST_ID].encode()), *FIXED_HEADERS)
            closing = (_CLOSE,) if self._must_close else ()
            await self._send({**message, "headers": [*message.get("headers", ()), *own, *closing]})
        elif self._must_close and not message.get("more_body"):
            await self._send({**message, "more_body": True})
            await self._drain()
            await self._send({"type": "http.response.body", "body": b""})
        else:
            await self._send(message)

    async def _drain(self) -> None:
        if any(name == b"expect" for name, _ in self.scope["headers"]):
            # This client waits for our word before it sends anything.
            return
        left = _MAX_DRAINED_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                while left > 0 and not self._is_read:
                    left -= len((await self.receive()).get("body", b""))


def _request_id(scope: Scope) -> str:
    """The client's, where it is well formed, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given: str = value.decode("latin-1")
            if REQUEST_ID_PATTERN.match(given):
                return given
    return uuid.uuid4().hex


def _has_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def _log_access(scope: Scope, exchange: _Exchange) -> None:
    """One line of JSON: nothing that a client sends can make a second one."""
    line: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "request_id": scope[REQUEST_ID],
        "method": scope["method"][:_MAX_LOGGED_CHARS],
        "path": scope["path"][:_MAX_LOGGED_CHARS],
        "status": exchange.status,
        "duration_ms": round((time.perf_counter() - exchange.started_at) * 1000, 1),
        "client": (scope.get("client") or ("",))[0],
        "token": scope.get(CALLER, ""),
    }
    access_logger.info("%s", json.dumps(line))
