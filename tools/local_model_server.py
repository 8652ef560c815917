"""Starts and stops the local model server: a vLLM on loopback, recorded in a state folder.

A record names its process by pid and start time, so that a later process with the same pid is never taken for it,
let alone ended. What does not live here: making the environment and the model, and the command line.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.local_model_common import (
    MODEL_NAME,
    Layout,
    LocalModelError,
    Progress,
    last_lines,
    locked,
    make_folder,
    server_environment,
    write_atomically,
)
from tools.local_model_setup import required_interpreter

START_DEADLINE_S = 300
_STOP_GRACE_S = 15

# Servers that this process started: they outlive it on purpose, and are reaped when they end before it.
_children: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class ServerState:
    """A started server. `identity` tells its process from a later one with the same pid."""

    pid: int
    identity: str
    executable: str
    port: int
    log: str

    @property
    def base_url(self) -> str:
        """What OMNICLAUDE_MODEL_BASE_URL has to be."""
        return f"http://127.0.0.1:{self.port}/v1"


def _stat_fields(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third on (state, ppid, pgrp, session, ...), or None without such."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def process_identity(pid: int) -> str | None:
    """Boot and start time of a live process, which no later process with this pid shares. None if it is gone."""
    if not Path("/proc/self/stat").exists():
        command = ["ps", "-o", "lstart=", "-p", str(pid)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or None
    fields = _stat_fields(pid)
    if fields is None or fields[0] in {"Z", "X"}:
        return None
    return f"{_boot_id()}:{fields[19]}"


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
    except OSError:
        return "unknown"


def _executable_of(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/exe").readlink())
    except OSError:
        return ""


def orphans(state: ServerState) -> list[int]:
    """Live members of the server's session after its leader died.

    The kernel gives a pid to nobody while a session of that number lives, so a process that *has* the pid means
    that the session is over. The same boot and the same interpreter are demanded besides.
    """
    if process_identity(state.pid) is not None or not state.identity.startswith(f"{_boot_id()}:"):
        return []
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        fields = _stat_fields(int(entry.name))
        is_member = fields is not None and fields[0] not in {"Z", "X"} and int(fields[3]) == state.pid
        if is_member and _executable_of(int(entry.name)) == state.executable:
            found.append(int(entry.name))
    return found


def is_our_process(state: ServerState) -> bool:
    """Whether the recorded server's leading process lives (not merely: whether its pid is in use)."""
    return process_identity(state.pid) == state.identity


def read_state(folder: Path) -> ServerState | None:
    """The recorded server, which may be dead by now; None without a (valid) record."""
    try:
        raw = json.loads((folder / "server.json").read_text("utf-8"))
        state = ServerState(
            pid=int(raw["pid"]),
            identity=str(raw["identity"]),
            executable=str(raw["executable"]),
            port=int(raw["port"]),
            log=str(raw["log"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return state if state.pid > 1 else None


def is_healthy(state: ServerState) -> bool:
    """Whether our process lives and answers."""
    if not is_our_process(state):
        return False
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{state.port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def choose_port(wanted: int | None) -> int:
    """`wanted` if it is free on loopback, or any free one. Raises LocalModelError when it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted or 0))
        except OSError as exc:
            raise LocalModelError(
                f"Port {wanted} cannot be used: {exc.strerror}.", cure="pass another --port, or none for a free one"
            ) from exc
        return int(probe.getsockname()[1])


def server_command(layout: Layout, interpreter: Path, *, port: int) -> list[str]:
    """The recipe; the `vllm` command itself does not start in the CPU build, its module does."""
    command = [str(interpreter), "-m", "vllm.entrypoints.openai.api_server", "--model", str(layout.model)]
    command += ["--served-model-name", MODEL_NAME, "--host", "127.0.0.1", "--port", str(port)]
    command += ["--max-model-len", "4096", "--dtype", "bfloat16", "--enforce-eager", "--disable-uvicorn-access-log"]
    # A seeded request whose prompt is computed in chunks kills the CPU engine ("CPU Generator does not use offset").
    return [*command, "--no-enable-chunked-prefill", "--max-num-batched-tokens", "4096"]


def _spawn(layout: Layout, folder: Path, interpreter: Path, *, port: int) -> ServerState:
    log = folder / "server.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            server_command(layout, interpreter, port=port),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=server_environment(os.environ, layout=layout),
            start_new_session=True,
        )
    _children.append(child)
    executable = _executable_of(child.pid) or str(interpreter.resolve())
    identity = process_identity(child.pid) or "died at once"
    state = ServerState(pid=child.pid, identity=identity, executable=executable, port=port, log=str(log))
    write_atomically(folder / "server.json", json.dumps(asdict(state)))
    return state


def _wait_until_healthy(state: ServerState, *, progress: Progress, deadline_s: float) -> None:
    said_at_s = 0.0
    while not is_healthy(state):
        _reap()
        tail = "\n  ".join(last_lines(Path(state.log), count=12))
        if not is_our_process(state):
            raise LocalModelError(
                f"The model server died while starting; the end of its log:\n  {tail}\n",
                cure=f"read {state.log}; about 3 GB of free memory are needed; start again",
            )
        if progress.elapsed_s > deadline_s:
            raise LocalModelError(
                f"The model server did not answer within {deadline_s:.0f} s; the end of its log:\n  {tail}\n",
                cure="stop other work on this machine and start again, or pass a longer --deadline",
            )
        if progress.elapsed_s - said_at_s >= 5:
            said_at_s = progress.elapsed_s
            progress.say("waiting for the model server (about 20 s on 2 idle cores)")
        time.sleep(0.2)


def _reap() -> None:
    """Collect the exit status of ended servers that are our own children, so that none lingers."""
    for child in _children:
        child.poll()


def start(
    layout: Layout, folder: Path, *, port: int | None = None, deadline_s: float = START_DEADLINE_S
) -> ServerState:
    """Return a healthy server: the one recorded in `folder` if it lives, or a new one. Raises LocalModelError."""
    progress = Progress("model start")
    interpreter = required_interpreter(layout)
    make_folder(folder)
    with locked(folder / "start.lock", progress=progress, doing="starting or stopping the model server"):
        state = read_state(folder)
        if state is not None and is_our_process(state):
            if port not in (None, state.port):
                progress.say(f"a server runs on port {state.port} already and is used; `stop` it to change the port")
        else:
            if state is not None:
                _end(state, folder)
            state = _spawn(layout, folder, interpreter, port=choose_port(port))
            progress.say(f"started process {state.pid} on port {state.port}, log {state.log}")
        try:
            _wait_until_healthy(state, progress=progress, deadline_s=deadline_s)
        except BaseException:
            _end(state, folder)
            raise
        progress.say("healthy")
        return state


def stop(folder: Path) -> bool:
    """End the recorded server and its children; False if none ran. Nothing else is ever touched."""
    if not folder.is_dir():
        return False
    with locked(folder / "start.lock", progress=Progress("model stop"), doing="starting or stopping the model server"):
        state = read_state(folder)
        return state is not None and _end(state, folder)


def _end(state: ServerState, folder: Path) -> bool:
    """Ask the leader and its group to end, then insist. Returns whether anything ran."""

    def living() -> list[int]:
        _reap()
        return [state.pid] if is_our_process(state) else orphans(state)

    has_run = bool(living())
    for sent, patience_s in ((signal.SIGTERM, _STOP_GRACE_S), (signal.SIGKILL, 5)):
        targets, until = living(), time.monotonic() + patience_s
        for pid in targets:
            with suppress(ProcessLookupError):
                # The leader made the group, so while it lives the group is the server and its children.
                if pid == state.pid and os.getpgid(pid) == pid:
                    os.killpg(pid, sent)
                else:
                    os.kill(pid, sent)
        while living() and time.monotonic() < until:
            time.sleep(0.1)
    (folder / "server.json").unlink(missing_ok=True)
    return has_run
