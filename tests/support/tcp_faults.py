"""A TCP server with faults, to stand between a client and a real server, or in the place of one that is away.

Modes: `pass` (forward all), `refuse` (nobody listens), `silent` (accept, never answer), `cut` (end connections in
the middle), `slow` (hold back every chunk). Between `pass`, `cut` and `slow` the mode may be changed while it runs.

    with FaultyTcp(server.port, mode="cut", on=b"INCR", first_connections=1) as proxy:
        ...  # the client speaks to proxy.port; the server did the INCR, its answer is lost, once
"""

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Literal, Self

Mode = Literal["pass", "refuse", "silent", "cut", "slow"]
_CHUNK_BYTES = 65_536
_HOST = "127.0.0.1"


class FaultyTcp:
    """Listens on a free loopback port (`port`) and forwards to `target_port`, with a fault.

    `cut` ends a connection with a reset: once the client has sent `on` (or at once, when `on` is empty) the next
    `after_bytes` bytes of the server still pass, what follows is lost, although the server has done the work.
    With `is_request_lost` the client's own bytes from `on` on are lost as well: the server never sees them.
    Only the first `first_connections` are cut or silent (None: all), and no more than `max_cuts`; the others pass.
    `rewrite` replaces bytes of the server by others of the same length, such as the address that it announces.
    """

    def __init__(
        self,
        target_port: int | None = None,
        *,
        mode: Mode = "pass",
        on: bytes = b"",
        after_bytes: int = 0,
        is_request_lost: bool = False,
        first_connections: int | None = None,
        max_cuts: int | None = None,
        delay_s: float = 0.2,
        rewrite: tuple[bytes, bytes] | None = None,
    ) -> None:
        self.target_port = target_port
        self.mode: Mode = mode
        self.on = on
        self.after_bytes = after_bytes
        self.is_request_lost = is_request_lost
        self.first_connections = first_connections
        self.max_cuts = max_cuts
        self.delay_s = delay_s
        self.rewrite = rewrite
        self.connection_count = 0
        self.cut_count = 0
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((_HOST, 0))
        self.port: int = self._listener.getsockname()[1]

    @property
    def address(self) -> str:
        """`host:port` for a client."""
        return f"{_HOST}:{self.port}"

    def __enter__(self) -> Self:
        # A port that is bound without listening refuses every connection and stays ours.
        if self.mode != "refuse":
            self._listener.listen()
            self._listener.settimeout(0.1)
            self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for connection in list(self._open):
            _end(connection)
        for thread in self._threads:
            thread.join(10)
        # One more client may have come in between.
        for connection in self._open:
            _end(connection)
        self._listener.close()

    def cut_all(self) -> None:
        """Reset every open connection now."""
        for connection in list(self._open):
            _end(connection)

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            client.settimeout(None)
            self.connection_count += 1
            self._open.append(client)
            is_faulty = self.first_connections is None or self.connection_count <= self.first_connections
            if not is_faulty or self.mode != "silent":
                self._start(self._serve, client, is_faulty)

    def _serve(self, client: socket.socket, is_faulty: bool) -> None:
        try:
            server = socket.create_connection((_HOST, self.target_port or 0), timeout=5)
        except OSError:
            _end(client)
            return
        server.settimeout(None)
        self._open.append(server)
        connection = _Connection(self, client, server, is_faulty)
        self._start(connection.forward_answers)
        connection.forward_requests()

    def may_cut(self) -> bool:
        """Whether connections are cut now."""
        return self.mode == "cut" and (self.max_cuts is None or self.cut_count < self.max_cuts)

    def count_cut(self) -> None:
        """Remember that a connection was cut."""
        with self._lock:
            self.cut_count += 1

    def pause(self) -> None:
        """Hold a chunk back in mode `slow`."""
        if self.mode == "slow":
            self._stopping.wait(self.delay_s)


class _Connection:
    """One client's connection through the proxy, forwarded by two threads."""

    def __init__(self, owner: FaultyTcp, client: socket.socket, server: socket.socket, is_faulty: bool) -> None:
        self._owner = owner
        self._client = client
        self._server = server
        self._is_faulty = is_faulty
        self._sent = b""
        # How many more bytes of the server pass; None: all of them.
        self._left: int | None = owner.after_bytes if is_faulty and owner.may_cut() and not owner.on else None

    def forward_requests(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._client.recv(_CHUNK_BYTES):
                self._owner.pause()
                if self._is_cut_by(data):
                    return
                self._server.sendall(data)
        _end(self._server)

    def forward_answers(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._server.recv(_CHUNK_BYTES):
                self._owner.pause()
                if self._owner.rewrite is not None:
                    data = data.replace(*self._owner.rewrite)
                if self._left is not None:
                    self._client.sendall(data[: self._left])
                    self._left -= min(self._left, len(data))
                    if not self._left:
                        self._cut()
                        return
                else:
                    self._client.sendall(data)
        _end(self._client)

    def _is_cut_by(self, data: bytes) -> bool:
        """Arm the cut when the client has sent the word; True when nothing more of this client may pass."""
        if not self._is_faulty or not self._owner.may_cut():
            return False
        self._sent = (self._sent + data)[-4 * _CHUNK_BYTES :]
        if self._owner.on not in self._sent:
            return False
        if self._owner.is_request_lost:
            self._cut()
            return True
        if self._owner.on:
            self._left = self._owner.after_bytes
        return False

    def _cut(self) -> None:
        self._owner.count_cut()
        _end(self._client)
        _end(self._server)


def _end(connection: socket.socket) -> None:
    """Reset: the other side learns at once, and threads that wait on the socket wake up."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        connection.close()
