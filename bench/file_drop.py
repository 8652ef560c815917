"""From a file in the inbox to the first stage of its generation, under `make dev`.

    .venv/bin/python -m bench.file_drop [--drops 3] [--json]

Starts `python -m tools.dev` (UI, daemon, sensor) on a free port with a home folder of its own, waits until the UI
answers, drops one request file after another, each when the one before is done, and reads from the records when its
first stage started. Stops everything it started. Bar: 15 s.
"""

import argparse
import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.measuring import emit, note, spread
from omniclaude_dagster.settings import Settings

PROJECT = Path(__file__).resolve().parents[1]
BAR_S = 15.0
_READY_WITHIN_S = 180.0
_DONE_WITHIN_S = 120.0
_STOP_WITHIN_S = 40.0
# `timestamp` is when the stage started.
_FIRST_STAGE = (
    "SELECT min(m.timestamp) FROM model_performance m JOIN generations g ON g.correlation_id = m.correlation_id "
    "WHERE g.request_id = ? AND m.stage = '1'"
)


@contextlib.contextmanager
def dev_server(home: Path) -> Iterator[None]:
    """`make dev` on a free port, ready; ended as a person would end it."""
    port = free_port()
    environment = {**os.environ, "OMNICLAUDE_HOME": str(home)}
    environment.pop("OMNICLAUDE_DATABASE_URL", None)
    with (home / "dev.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.dev", "--port", str(port)],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait_until_ready(process, port, log=home / "dev.log")
            yield
        finally:
            stop(process)


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(process: subprocess.Popen[bytes], port: int, *, log: Path) -> None:
    """Raises SystemExit with the end of the log when the server ends or does not answer in time."""
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=2).close()
            return
        time.sleep(0.3)
    raise SystemExit(f"make dev did not become ready:\n{log.read_text(errors='replace')[-1500:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C; what does not end by itself is killed with the group of processes that it started."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_WITHIN_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def measure(home: Path, *, drops: int) -> dict[str, Any]:
    """Seconds from each drop to the start of stage 1, and to the end of the generation."""
    settings = Settings(home=home)
    to_start: list[float] = []
    to_end: list[float] = []
    with dev_server(home):
        for number in range(1, drops + 1):
            note(f"drop {number} ...")
            started_s, ended_s = drop(settings, number)
            to_start.append(started_s)
            to_end.append(ended_s)
    return {
        "drops": drops,
        "to_first_stage_s": [round(value, 2) for value in to_start],
        "to_records_s": [round(value, 2) for value in to_end],
        "to_first_stage_spread_s": spread(to_start, digits=2),
    }


def drop(settings: Settings, number: int) -> tuple[float, float]:
    """Drop one request and wait for its records. Raises SystemExit when they do not come."""
    name = f"drop-{number}"
    settings.inbox_path.mkdir(parents=True, exist_ok=True)
    content = f"prompt: COMPUTE node called Dropped{number} for pricing calculation\nmode: fast\n"
    half = settings.inbox_path / f".{name}.yaml"
    half.write_text(content, encoding="utf-8")
    dropped_at = datetime.now(UTC)
    half.rename(settings.inbox_path / f"{name}.yaml")
    deadline = time.monotonic() + _DONE_WITHIN_S
    while time.monotonic() < deadline:
        started_at = first_stage_at(settings, name)
        if started_at is not None:
            return (started_at - dropped_at).total_seconds(), (datetime.now(UTC) - dropped_at).total_seconds()
        time.sleep(0.2)
    raise SystemExit(f"{name} left no records within {_DONE_WITHIN_S:.0f} s")


def first_stage_at(settings: Settings, request_id: str) -> datetime | None:
    """When stage 1 of a request started, once its records are written."""
    path = settings.home_path / "records.sqlite3"
    if not path.exists():
        return None
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0)) as connection:
        try:
            row = connection.execute(_FIRST_STAGE, (request_id,)).fetchone()
        except sqlite3.OperationalError as exc:
            if "no such table" in str(exc):  # the schema is just being made
                return None
            raise
    if row[0] is None:
        return None
    moment = datetime.fromisoformat(row[0])
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every drop meets the bar, 1 when not."""
    parser = argparse.ArgumentParser(prog="python -m bench.file_drop", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--drops", type=int, default=3, help="files, one after another (default: 3)")
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="omniclaude-bench-") as folder:
        figures = measure(Path(folder), drops=options.drops)
    emit(figures, as_json=options.as_json)
    if not options.as_json:
        print(f"from the drop to the first stage: {figures['to_first_stage_s']} s (bar: {BAR_S:.0f} s)")
        print(f"from the drop to the records:     {figures['to_records_s']} s")
    return 0 if max(figures["to_first_stage_s"]) <= BAR_S else 1


if __name__ == "__main__":
    sys.exit(main())
