"""`make dev`: Dagster's UI, daemon and sensor on localhost, over the state in OMNICLAUDE_HOME.

One at a time for each home folder. What an earlier, killed one left behind is cleaned up first. Ctrl-C stops
everything that was started. The UI has no sign-in, so it is bound to loopback.
"""

import argparse
import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from omniclaude_dagster.defs.instance import open_instance, prepare_home
from omniclaude_dagster.defs.sweep import sweep_runs
from omniclaude_dagster.errors import ConfigurationError, ConflictError, OmniClaudeError
from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.settings import Settings, load_settings

HOST = "127.0.0.1"
_ROOT = Path(__file__).resolve().parents[1]
# In the environment of every process that the server starts.
_MARK = "DAGSTER_SERVER_OF"
_READY_WITHIN_S = 120.0
_STOP_WITHIN_S = 20.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C. Returns the exit code: 0 stopped, 2 wrong usage or already running, 3 something failed."""
    parser = argparse.ArgumentParser(prog="make dev", description=__doc__)
    parser.add_argument("--port", type=int, help="port of the UI (default: OMNICLAUDE_DEV_PORT or 3000)")
    given = parser.parse_args(arguments)
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, signal.default_int_handler)
    try:
        settings = load_settings()
        return _serve(settings, port=given.port or settings.dev_port)
    except OmniClaudeError as exc:
        print(f"dev: {exc}", file=sys.stderr)
        return exc.exit_code
    except KeyboardInterrupt:
        return 0


def _serve(settings: Settings, *, port: int) -> int:
    prepare_home(settings)
    with only_server(settings) as lock:
        _stop_orphans(settings)
        check_port(port)
        _clean_up(settings)
        process = _start(settings, port=port, lock=lock)
        # Should we be killed, this one still holds the lock, and can be stopped by its number.
        _note_holder(lock, f"process {process.pid}")
        try:
            _wait_until_ready(process, port)
            print(f"Dagster UI  http://{HOST}:{port}")
            print(f"inbox       {settings.inbox_path}   (drop a .txt, .yaml or .json request here)")
            print(f"artifacts   {settings.artifacts_path}")
            print("Ctrl-C stops it.", flush=True)
            return 3 if process.wait() else 0
        finally:
            _stop(process)


@contextlib.contextmanager
def only_server(settings: Settings) -> Iterator[int]:
    """Hold the server's lock; gives its descriptor, which the server inherits: it is held while either lives.

    Raises ConflictError when another server runs on this home folder.
    """
    path = settings.home_path / "locks" / ".dev.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 64).decode("ascii", "replace").strip()
            raise ConflictError(
                f"Dagster already runs on {settings.home_path} ({holder or 'another process'}).",
                cure="use that one, stop it with Ctrl-C or kill, or set OMNICLAUDE_HOME to another folder",
            ) from None
        _note_holder(handle, f"process {os.getpid()}")
        yield handle
    finally:
        os.close(handle)


def _note_holder(handle: int, text: str) -> None:
    os.ftruncate(handle, 0)
    os.pwrite(handle, text.encode(), 0)


def check_port(port: int) -> None:
    """Raise ConfigurationError when the port is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as exc:
            raise ConfigurationError(
                f"port {port} cannot be used: {exc.strerror}.",
                cure="make dev with OMNICLAUDE_DEV_PORT=3001, or stop what listens there",
            ) from None


def _clean_up(settings: Settings) -> None:
    with Platform(settings) as platform, open_instance(settings) as instance:
        swept = sweep_runs(instance, platform, is_server_gone=True)
    if swept.ended_runs:
        print(f"{len(swept.ended_runs)} interrupted runs were marked failed; their requests are resumed once.")


def _stop_orphans(settings: Settings) -> None:
    """Parts of a killed server that outlived it. The lock is ours, so no live server owns what carries its mark."""
    mark = f"{_MARK}={settings.home_path}".encode()
    orphans = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                orphans.append(int(folder.name))
    for pid in orphans:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if orphans:
        print(f"{len(orphans)} leftover processes of an earlier server were stopped.")


def _start(settings: Settings, *, port: int, lock: int) -> subprocess.Popen[bytes]:
    """A process group of its own, so that it can be stopped as a whole and Ctrl-C reaches us alone."""
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(settings.dagster_home_path),
        "OMNICLAUDE_HOME": str(settings.home_path),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        _MARK: str(settings.home_path),
        "VIRTUAL_ENV": sys.prefix,
    }
    program = [str(Path(sys.executable).with_name("dg")), "dev", "-w", str(_ROOT / "workspace.yaml")]
    options = ["--host", HOST, "--port", str(port), "--log-level", "warning"]
    return subprocess.Popen(
        [*program, *options],
        cwd=_ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=(lock,),
    )


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise OmniClaudeError(f"Dagster ended with code {process.returncode}; see its messages above.")
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(f"http://{HOST}:{port}/server_info", timeout=2).close()
            return
        time.sleep(0.3)
    raise OmniClaudeError(f"Dagster's UI did not answer within {_READY_WITHIN_S:.0f} s.", cure="see its messages above")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask, then insist. Runs under way are interrupted, and resumed at the next start."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(_STOP_WITHIN_S)
    for kind in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, kind)
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(2)


if __name__ == "__main__":
    sys.exit(main())
