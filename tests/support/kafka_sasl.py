"""A broker that knows nobody: it speaks Kafka's protocol just far enough to refuse every account.

The broker of the other tests asks for no account, and librdkafka's own test broker neither.
"""

import contextlib
import socketserver
import struct
import threading
from collections.abc import Iterator

_SASL_HANDSHAKE, _API_VERSIONS, _SASL_AUTHENTICATE = 17, 18, 36
_UNSUPPORTED_VERSION, _AUTHENTICATION_FAILED = 35, 58
_APIS = ((0, 0, 7), (1, 0, 11), (3, 0, 4), (_SASL_HANDSHAKE, 0, 1), (_API_VERSIONS, 0, 0), (_SASL_AUTHENTICATE, 0, 0))


class RefusingBroker(socketserver.ThreadingTCPServer):
    """Listens on `port`; `attempts` counts the accounts that were tried."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.port: int = self.server_address[1]
        self.attempts = 0


class _Connection(socketserver.BaseRequestHandler):
    server: RefusingBroker

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while frame := self._frame():
                api, version, correlation = struct.unpack(">hhi", frame[:8])
                body = self._answer(api, version)
                if body is None:
                    return
                payload = struct.pack(">i", correlation) + body
                self.request.sendall(struct.pack(">i", len(payload)) + payload)

    def _frame(self) -> bytes:
        size = self._read(4)
        return self._read(struct.unpack(">i", size)[0]) if size else b""

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            chunk = self.request.recv(count - len(data))
            if not chunk:
                return b""
            data += chunk
        return data

    def _answer(self, api: int, version: int) -> bytes | None:
        if api == _API_VERSIONS:
            error = _UNSUPPORTED_VERSION if version else 0
            return struct.pack(">hi", error, len(_APIS)) + b"".join(struct.pack(">hhh", *row) for row in _APIS)
        if api == _SASL_HANDSHAKE:
            return struct.pack(">hi", 0, 1) + _text("PLAIN")
        if api == _SASL_AUTHENTICATE:
            self.server.attempts += 1
            return struct.pack(">h", _AUTHENTICATION_FAILED) + _text("unknown account") + struct.pack(">i", 0)
        return None


def _text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()


@contextlib.contextmanager
def refusing_broker() -> Iterator[RefusingBroker]:
    """A broker that refuses every account, until the block ends."""
    broker = RefusingBroker()
    thread = threading.Thread(target=broker.serve_forever, daemon=True)
    thread.start()
    try:
        yield broker
    finally:
        broker.shutdown()
        thread.join()
        broker.server_close()
