"""An HTTP server that answers as a test says, on a free loopback port, and keeps every request.

For what real servers do only when they are in trouble: 401, 429 with Retry-After, 503, answers without end.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Said:
    """One answer. `body` is sent as JSON unless it is bytes; `drip_s` sends one byte, then nothing, every so often."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drip_s: float = 0.0

    @property
    def content(self) -> bytes:
        """What goes over the wire."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Answering = Callable[[Asked], Said]


class ScriptedHttp:
    """Answers in turn, the last one for ever; or by a function of the request."""

    def __init__(self, answers: Sequence[Said] | Answering) -> None:
        self._answers = answers if callable(answers) else list(answers)
        self.asked: list[Asked] = []
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.script = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """Port it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, asked: Asked) -> Said:
        """The next answer."""
        self.asked.append(asked)
        if callable(self._answers):
            return self._answers(asked)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    script: ScriptedHttp


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def _handle(self) -> None:
        assert isinstance(self.server, _Server)
        script = self.server.script
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = script.answer(Asked(self.command, self.path, dict(self.headers.items()), body))
        self.send_response(said.status)
        for name, value in {"Content-Type": "application/json", **said.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said.content)))
        self.end_headers()
        if not said.drip_s:
            self.wfile.write(said.content)
            return
        try:
            for byte in said.content:
                self.wfile.write(bytes([byte]))
                if script.stopping.wait(said.drip_s):
                    return
        except OSError:
            return

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _handle

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test output clean."""
