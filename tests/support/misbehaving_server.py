"""A real HTTP server on loopback that speaks the OpenAI format, well or badly, as a test asks.

`MisbehavingServer` answers every chat request with one named fault (`FAULTS`); `ScriptedModelServer` answers with a
queue of good replies, into which faults can be mixed. Both run in a thread of their own, record what they were asked,
and can be stopped and started again on the same port. Raw sockets, because HTTP libraries refuse to be this rude.

    with ScriptedModelServer(["first answer", {"name": "second, as JSON"}, Fault("server_error")]) as server:
        ...  # ask server.base_url
        assert server.chat_count == 3
"""

import asyncio
import contextlib
import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

MODEL_ID = "scripted-model"
GOOD_TEXT = "def answer() -> int:\n    return 42\n"


@dataclass(frozen=True)
class Fault:
    """One misbehaviour by name, with its parameters; see `FAULTS`."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordedRequest:
    """What was asked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


Reply = str | Mapping[str, Any] | list[Any] | Fault | Callable[[RecordedRequest], "str | Fault"]


class Exchange:
    """One request and the socket to answer it on."""

    def __init__(self, request: RecordedRequest, *, writer: asyncio.StreamWriter, model: str) -> None:
        self.request = request
        self.writer = writer
        self.model = model

    async def respond(
        self,
        body: bytes | str | Mapping[str, Any],
        *,
        status: int = 200,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        content_length: int | None = None,
    ) -> None:
        """Send a whole response; `content_length` may lie."""
        raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
        await self.head(
            status=status,
            headers={
                "Content-Type": content_type,
                "Content-Length": str(len(raw) if content_length is None else content_length),
                **(headers or {}),
            },
        )
        self.writer.write(raw)
        await self.writer.drain()

    async def head(self, *, status: int = 200, headers: Mapping[str, str]) -> None:
        """Send the status line and headers only."""
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
        self.writer.write("\r\n".join([*lines, "", ""]).encode())
        await self.writer.drain()

    async def chunk(self, data: bytes) -> None:
        """Send one chunk of a chunked body."""
        self.writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await self.writer.drain()

    def reset(self) -> None:
        """Hang up with a TCP reset."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def completion(self, text: Any = GOOD_TEXT, *, finish_reason: Any = "stop", **changes: Any) -> dict[str, Any]:
        """A chat completion as vLLM writes it; `changes` replace top-level fields, None removes one."""
        prompt = self.request.body.get("messages", []) if isinstance(self.request.body, dict) else []
        tokens_input = max(1, sum(len(str(m.get("content", ""))) for m in prompt) // 4)
        tokens_output = max(1, len(text) // 4) if isinstance(text, str) else 0
        whole: dict[str, Any] = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": self.model,
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
            ],
            "usage": {
                "prompt_tokens": tokens_input,
                "completion_tokens": tokens_output,
                "total_tokens": tokens_input + tokens_output,
            },
        } | changes
        return {key: value for key, value in whole.items() if value is not None}


type Behaviour = Callable[..., Awaitable[None]]


async def _good(ex: Exchange, *, text: str = GOOD_TEXT) -> None:
    await ex.respond(ex.completion(text))


async def _empty_body(ex: Exchange) -> None:
    await ex.respond(b"")


async def _no_choices(ex: Exchange) -> None:
    await ex.respond(ex.completion(choices=[]))


async def _missing_choices(ex: Exchange) -> None:
    await ex.respond(ex.completion(choices=None))


async def _none_content(ex: Exchange) -> None:
    await ex.respond(ex.completion(None))


async def _blank_content(ex: Exchange) -> None:
    await ex.respond(ex.completion(" \n "))


async def _prose(ex: Exchange) -> None:
    await ex.respond(ex.completion("Certainly! I would say the name is Ledger."))


async def _broken_json(ex: Exchange) -> None:
    await ex.respond(ex.completion('{"name": "Ledger", "kind": '))


async def _nan_json(ex: Exchange) -> None:
    await ex.respond(ex.completion('{"score": NaN}'))


async def _fenced_json(ex: Exchange) -> None:
    await ex.respond(ex.completion('```json\n{"name": "Ledger"}\n```'))


async def _html_200(ex: Exchange) -> None:
    await ex.respond("<!DOCTYPE html><html><body>Please sign in</body></html>", content_type="text/html")


async def _html_as_json(ex: Exchange) -> None:
    await ex.respond("<html><body>Please sign in</body></html>")


async def _not_json(ex: Exchange) -> None:
    await ex.respond("{'choices': oops")


async def _not_utf8(ex: Exchange) -> None:
    await ex.respond(b'{"choices": "\xff\xfe"}')


async def _wrong_content_type(ex: Exchange) -> None:
    await ex.respond(ex.completion(), content_type="text/plain")


async def _finish_length(ex: Exchange) -> None:
    await ex.respond(ex.completion("def answer() -> int:\n    ret", finish_reason="length"))


async def _finish_missing(ex: Exchange) -> None:
    await ex.respond(ex.completion("def answer() -> int:\n    ret", finish_reason=None))


async def _finish_content_filter(ex: Exchange) -> None:
    await ex.respond(ex.completion("I cannot", finish_reason="content_filter"))


async def _cut_content_length(ex: Exchange) -> None:
    whole = json.dumps(ex.completion()).encode()
    await ex.respond(whole[: len(whole) // 2], content_length=len(whole))
    ex.writer.close()


async def _cut_chunked(ex: Exchange) -> None:
    whole = json.dumps(ex.completion()).encode()
    await ex.head(headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
    await ex.chunk(whole[: len(whole) // 2])
    ex.writer.close()


async def _reset_mid_body(ex: Exchange) -> None:
    whole = json.dumps(ex.completion()).encode()
    await ex.respond(whole[: len(whole) // 2], content_length=len(whole))
    await asyncio.sleep(0.05)
    ex.reset()


async def _huge_body(ex: Exchange, *, size_bytes: int = 50_000_000) -> None:
    """Announced honestly."""
    await ex.head(headers={"Content-Type": "application/json", "Content-Length": str(size_bytes)})
    piece = b"x" * 65_536
    for _ in range(size_bytes // len(piece)):
        ex.writer.write(piece)
        await ex.writer.drain()


async def _endless_stream(ex: Exchange) -> None:
    await ex.head(headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
    while True:
        await ex.chunk(b" " * 65_536)


async def _slow_drip(ex: Exchange, *, pause_s: float = 0.05) -> None:
    """A byte at a time: every single read is quick."""
    await ex.head(headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
    while True:
        await ex.chunk(b" ")
        await asyncio.sleep(pause_s)


async def _hang(ex: Exchange, *, seconds: float = 3600.0) -> None:
    await asyncio.sleep(seconds)


async def _slow(ex: Exchange, *, seconds: float = 0.2, text: str = GOOD_TEXT) -> None:
    await asyncio.sleep(seconds)
    await ex.respond(ex.completion(text))


async def _status(ex: Exchange, *, status: int, message: str = "no", headers: Mapping[str, str] | None = None) -> None:
    await ex.respond({"error": {"message": message, "type": "fault"}}, status=status, headers=headers)


async def _rate_limited(ex: Exchange, *, retry_after: str | None = None) -> None:
    await _status(ex, status=429, headers={"Retry-After": retry_after} if retry_after is not None else None)


async def _server_error(ex: Exchange) -> None:
    await _status(ex, status=500, message="internal error")


async def _bad_gateway(ex: Exchange) -> None:
    await ex.respond("<html><h1>502 Bad Gateway</h1></html>", status=502, content_type="text/html")


async def _reset(ex: Exchange) -> None:
    ex.reset()


async def _hang_up(ex: Exchange) -> None:
    ex.writer.close()


async def _echo_key(ex: Exchange, *, status: int = 401) -> None:
    sent = ex.request.headers.get("authorization") or ex.request.headers.get("x-api-key") or "no key"
    key = sent.removeprefix("Bearer ")
    await _status(ex, status=status, message=f"Incorrect API key provided: {key}. Header was Authorization: {sent}")


async def _redirect(ex: Exchange, *, location: str = "http://127.0.0.1:9/v1/chat/completions") -> None:
    await ex.respond(b"", status=307, headers={"Location": location})


async def _compressed(ex: Exchange) -> None:
    await ex.respond(b"\x1f\x8b\x08", headers={"Content-Encoding": "gzip"})


async def _missing_usage(ex: Exchange) -> None:
    await ex.respond(ex.completion(usage=None))


async def _usage(ex: Exchange, *, prompt_tokens: Any, completion_tokens: Any) -> None:
    await ex.respond(ex.completion(usage={"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}))


async def _half_character(ex: Exchange) -> None:
    await ex.respond(ex.completion("half \ud800 character"))


FAULTS: Mapping[str, Behaviour] = {
    "good": _good,
    "empty_body": _empty_body,
    "no_choices": _no_choices,
    "missing_choices": _missing_choices,
    "none_content": _none_content,
    "blank_content": _blank_content,
    "prose": _prose,
    "broken_json": _broken_json,
    "nan_json": _nan_json,
    "fenced_json": _fenced_json,
    "html_200": _html_200,
    "html_as_json": _html_as_json,
    "not_json": _not_json,
    "not_utf8": _not_utf8,
    "wrong_content_type": _wrong_content_type,
    "finish_length": _finish_length,
    "finish_missing": _finish_missing,
    "finish_content_filter": _finish_content_filter,
    "cut_content_length": _cut_content_length,
    "cut_chunked": _cut_chunked,
    "reset_mid_body": _reset_mid_body,
    "huge_body": _huge_body,
    "endless_stream": _endless_stream,
    "slow_drip": _slow_drip,
    "hang": _hang,
    "slow": _slow,
    "status": _status,
    "rate_limited": _rate_limited,
    "server_error": _server_error,
    "bad_gateway": _bad_gateway,
    "reset": _reset,
    "hang_up": _hang_up,
    "echo_key": _echo_key,
    "redirect": _redirect,
    "compressed": _compressed,
    "missing_usage": _missing_usage,
    "usage": _usage,
    "half_character": _half_character,
}


class ScriptedModelServer:
    """Answers chat requests from a queue: texts, JSON values (sent as text), faults, or functions of the request.

    When the queue is empty it answers with `default`; without one it answers 500 and says that the script has ended,
    so a test that asks too often fails loudly. `GET /v1/models` answers `models` and is not part of the script.
    """

    def __init__(
        self, replies: Iterable[Reply] = (), *, default: Reply | None = None, models: Iterable[str] = (MODEL_ID,)
    ) -> None:
        self.models = list(models)
        self.models_fault: Fault | None = None
        self.requests: list[RecordedRequest] = []
        self.default = default
        self._replies: deque[Reply] = deque(replies)
        self._in_flight = 0
        self.most_in_flight = 0
        self._port = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._handlers: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        """Address with `/v1`; stays the same over `stop` and `start`."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def chat_requests(self) -> list[RecordedRequest]:
        """Chat requests in the order of their arrival."""
        return [r for r in self.requests if r.method == "POST"]

    @property
    def chat_count(self) -> int:
        """How many chat requests came."""
        return len(self.chat_requests)

    def add(self, *replies: Reply) -> None:
        """Put replies at the end of the queue."""
        self._replies.extend(replies)

    def start(self) -> Self:
        """Listen; after a stop, on the same port again."""
        ready = threading.Event()
        failures: list[BaseException] = []

        def run() -> None:
            try:
                asyncio.run(self._serve(ready))
            except OSError as exc:
                failures.append(exc)
                ready.set()

        self._thread = threading.Thread(target=run, name="scripted-model-server", daemon=True)
        self._thread.start()
        if not ready.wait(10) or failures:
            raise RuntimeError(f"the server did not start: {failures}")
        return self

    def stop(self) -> None:
        """Stop listening and hang up on everybody."""
        if self._thread is None or self._loop is None or self._stopping is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)
        if self._thread.is_alive():
            raise RuntimeError("the server did not stop")
        self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, backlog=512)
        self._port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stopping.wait()
        server.close()
        for task in list(self._handlers):
            task.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        # Let aborted transports deliver their last callback before the loop closes.
        await asyncio.sleep(0)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        try:
            while (request := await _read_request(reader)) is not None:
                self.requests.append(request)
                await self._answer(Exchange(request, writer=writer, model=self.models[0] if self.models else ""))
                if writer.is_closing():
                    break
        # A client that went away is what many of these tests are about.
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._handlers.discard(task)
            writer.transport.abort()

    async def _answer(self, ex: Exchange) -> None:
        if ex.request.method == "GET" and ex.request.path.split("?")[0].endswith("/models"):
            if self.models_fault is not None:
                await FAULTS[self.models_fault.name](ex, **self.models_fault.options)
                return
            data = [{"id": name, "object": "model", "owned_by": "test"} for name in self.models]
            await ex.respond({"object": "list", "data": data})
            return
        if ex.request.method == "GET" and ex.request.path == "/health":
            await ex.respond(b"")
            return
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            await self._reply(ex, self._replies.popleft() if self._replies else self.default)
        finally:
            self._in_flight -= 1

    async def _reply(self, ex: Exchange, reply: Reply | None) -> None:
        if callable(reply):
            reply = reply(ex.request)
        if reply is None:
            await _status(ex, status=500, message="the script has ended")
        elif isinstance(reply, Fault):
            await FAULTS[reply.name](ex, **reply.options)
        else:
            await _good(ex, text=reply if isinstance(reply, str) else json.dumps(reply))


class MisbehavingServer(ScriptedModelServer):
    """Answers every chat request with the same fault until told otherwise."""

    def __init__(self, fault: str = "good", *, models: Iterable[str] = (MODEL_ID,), **options: Any) -> None:
        super().__init__(default=Fault(fault, options), models=models)

    def behave(self, fault: str, **options: Any) -> None:
        """From now on answer with this fault."""
        self.default = Fault(fault, options)


async def _read_request(reader: asyncio.StreamReader) -> RecordedRequest | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    raw = await reader.readexactly(int(headers.get("content-length", 0)))
    body: Any = None
    with contextlib.suppress(ValueError):
        body = json.loads(raw)
    return RecordedRequest(method=method, path=path, headers=headers, body=body)
