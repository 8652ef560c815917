"""`make dev` as a person uses it: start, drop a file, start a second one, kill parts, stop."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from omniclaude_dagster.defs.instance import open_instance
from omniclaude_dagster.defs.ledger import Ledger
from omniclaude_dagster.errors import ConfigurationError, ConflictError
from omniclaude_dagster.settings import Settings
from tests.defs.requests import accepted
from tools.dev import check_port, only_server

ROOT = Path(__file__).parents[2]
FIRST_STAGE_WITHIN_S = 15.0


def test_a_second_server_on_the_same_home_is_refused_with_the_number_of_the_first(settings: Settings) -> None:
    with only_server(settings), pytest.raises(ConflictError, match=f"process {os.getpid()}"), only_server(settings):
        pass
    with only_server(settings):
        pass


def test_a_port_that_is_taken_is_named_with_a_cure() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigurationError, match="OMNICLAUDE_DEV_PORT"):
            check_port(taken.getsockname()[1])


@dataclass
class Server:
    """A running `make dev`."""

    settings: Settings
    process: subprocess.Popen[str]
    port: int


def start(settings: Settings, port: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMNICLAUDE_HOME": str(settings.home_path), "OMNICLAUDE_DEV_PORT": str(port)}
    return subprocess.Popen(
        [sys.executable, "-m", "tools.dev"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def members(settings: Settings) -> list[int]:
    """Processes that carry the mark of this home's server."""
    mark = f"DAGSTER_SERVER_OF={settings.home_path}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def wait_for(condition: Callable[[], object], *, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.2)
    return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = Settings(home=tmp_path_factory.mktemp("dev") / "home")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start(settings, port)
    try:
        lines = iter(process.stdout or [])
        assert any("Ctrl-C" in line for line in lines), (process.stderr or sys.stderr).read()
        yield Server(settings, process, port)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@pytest.mark.integration
@pytest.mark.sandbox
@pytest.mark.xdist_group("dev_server")
class TestRunning:
    """In order: the last test stops the server."""

    def test_a_dropped_file_reaches_its_first_stage_in_time_and_becomes_a_node(self, server: Server) -> None:
        text = "prompt: Create EFFECT node for PostgreSQL writes\nmode: fast\n"
        (server.settings.inbox_path / "dropped.yaml").write_text(text)
        dropped_at = time.time()
        ledger = Ledger(server.settings.home_path)
        content_hash = accepted("dropped").content_hash
        assert wait_for(lambda: ledger.result("dropped", content_hash), within_s=90)
        result = ledger.result("dropped", content_hash)
        assert result is not None
        assert result.status in {"published", "needs_review"}, result.error
        with open_instance(server.settings) as instance:
            (run,) = instance.get_runs()
            (first,) = [
                event.timestamp
                for event in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_START)
                if re.search(r"stage_1_prompt", event.step_key or "")
            ]
        assert first - dropped_at <= FIRST_STAGE_WITHIN_S

    def test_the_ui_answers_on_loopback(self, server: Server) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/server_info", timeout=10) as answer:
            assert b"dagster_version" in answer.read()

    def test_a_second_one_refuses_to_start(self, server: Server) -> None:
        second = start(server.settings, server.port + 1)
        _, error = second.communicate(timeout=60)
        assert second.returncode == 2
        assert "already runs" in error

    def test_ctrl_c_stops_every_process(self, server: Server) -> None:
        assert len(members(server.settings)) >= 4
        server.process.send_signal(signal.SIGINT)
        server.process.communicate(timeout=60)
        assert server.process.returncode == 0
        assert wait_for(lambda: not members(server.settings), within_s=5)
