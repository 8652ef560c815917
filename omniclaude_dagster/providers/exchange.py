"""One HTTP request and its bounded answer. Not here: what the body means (`wire.py`), asking again (`resilience.py`).

httpx's timeouts are per read, so a dripping server passes them; callers put an overall deadline around `send`.
Bodies are read in pieces and never beyond a limit. Compression is declined: a few kilobytes can unpack to gigabytes.
"""

import asyncio
import ssl
import threading
import weakref
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import httpx

from omniclaude_dagster.providers.errors import (
    CutReplyError,
    MalformedReplyError,
    ModelConnectionError,
    ProviderError,
    ReplyTooLargeError,
)
from omniclaude_dagster.providers.hosts import is_private_host

DEFAULT_MAX_REPLY_BYTES = 4 * 1024 * 1024
_CONNECT_TIMEOUT_S = 10.0
# uvicorn, and so vLLM, hangs up after 5 idle seconds; asking on a connection that is just being closed fails.
_KEEPALIVE_S = 3.0
_USER_AGENT = "omniclaude"
# Holds what closes the clients until their loops end: a gateway that was dropped meanwhile must not leave its
# connections to the garbage collector, which cannot await.
_keepers: set[AsyncGenerator[None, None]] = set()


@dataclass(frozen=True)
class RawReply:
    """Status, headers and the complete body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Progress:
    """How far a request got, for the record of one that failed."""

    status: int | None = None
    bytes_received: int = 0


@dataclass
class _LoopClients:
    """The clients of one event loop, and the generators that close them when the loop ends."""

    by_kind: dict[bool, httpx.AsyncClient] = field(default_factory=dict)
    keepers: list[AsyncGenerator[None, None]] = field(default_factory=list)


class Clients:
    """An httpx client for every event loop that asks, because connections cannot move between loops.

    `asyncio.run` closes them when its loop ends; `close` closes those of the running loop earlier. Hosts on private
    networks are reached directly; for public ones the proxy variables of the environment hold, as people expect.
    """

    def __init__(self, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._lock = threading.Lock()
        self._by_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopClients] = weakref.WeakKeyDictionary()

    async def client_for(self, base_url: str) -> httpx.AsyncClient:
        """Return the running loop's client for this address."""
        with self._lock:
            clients = self._by_loop.setdefault(asyncio.get_running_loop(), _LoopClients())
        is_private = is_private_host(base_url)
        if is_private not in clients.by_kind:
            clients.by_kind[is_private] = client = self._new_client(is_private=is_private)
            keeper = self._keep(client)
            clients.keepers.append(keeper)
            _keepers.add(keeper)
            await anext(keeper)
        return clients.by_kind[is_private]

    async def close(self) -> None:
        """Close the running loop's connections. The next call opens new ones."""
        with self._lock:
            clients = self._by_loop.pop(asyncio.get_running_loop(), _LoopClients())
        for keeper in clients.keepers:
            await keeper.aclose()
            _keepers.discard(keeper)

    async def _keep(self, client: httpx.AsyncClient) -> AsyncGenerator[None, None]:
        """Close the client when the loop shuts its generators down, so that nobody has to remember to."""
        try:
            yield
        finally:
            with self._lock:
                clients = self._by_loop.pop(asyncio.get_running_loop(), _LoopClients())
            _keepers.difference_update(clients.keepers)
            await client.aclose()

    def _new_client(self, *, is_private: bool) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=self._transport,
            verify=_ssl_context(),
            trust_env=not is_private,
            follow_redirects=False,
            headers={"User-Agent": _USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(None, connect=_CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=_KEEPALIVE_S),
        )


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    # Reading the certificates takes tens of milliseconds: once a process, not once an event loop.
    return httpx.create_ssl_context()


async def send(
    client: httpx.AsyncClient,
    *,
    method: str,
    url: str,
    headers: Mapping[str, str],
    content: bytes | None = None,
    max_bytes: int = DEFAULT_MAX_REPLY_BYTES,
    progress: Progress | None = None,
) -> RawReply:
    """Send one request and read the whole answer, whatever its status.

    Raises ModelConnectionError, CutReplyError, ReplyTooLargeError, MalformedReplyError (compressed answer).
    Messages name only the kind of failure: httpx's own may quote headers, and so keys.
    """
    progress = progress or Progress()
    try:
        async with client.stream(method, url, headers=dict(headers), content=content) as response:
            progress.status = response.status_code
            _check_headers(response, max_bytes=max_bytes)
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                progress.bytes_received = len(body)
                if len(body) > max_bytes:
                    raise _too_large(max_bytes)
            return RawReply(response.status_code, response.headers, bytes(body))
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as exc:
        raise _lost(exc, progress=progress) from None


def _check_headers(response: httpx.Response, *, max_bytes: int) -> None:
    declared = response.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and len(declared) < 20 and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    if response.headers.get("content-encoding", "").lower() not in {"", "identity"}:
        raise MalformedReplyError(
            "the host compressed its answer although that was declined.", cure="turn compression off at the host"
        )


def _too_large(max_bytes: int) -> ReplyTooLargeError:
    return ReplyTooLargeError(
        f"the host's answer is larger than {max_bytes} bytes.", cure="lower max_tokens or use another model"
    )


def _lost(exc: Exception, *, progress: Progress) -> ProviderError:
    kind = type(exc).__name__
    if progress.status is not None:
        return CutReplyError(
            f"the connection ended in the middle of the answer, after {progress.bytes_received} bytes ({kind}).",
            cure="ask again; see whether the host is still up",
        )
    if isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout):
        return ModelConnectionError(f"the host cannot be reached ({kind}).", cure="start it, or correct its address")
    return ModelConnectionError(f"the host hung up before it answered ({kind}).", cure="ask again; see the host's log")
