"""`omniclaude serve` in a process of its own, on a free port of loopback, with a home and tokens of its own."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Self

import httpx

from omniclaude_dagster.surfaces.api.tokens import TokenFile
from tests.support.cli import PROGRAM, environment

_START_DEADLINE_S = 60.0
_LISTENING = re.compile(r"listening on (http://\S+:(\d+));")


class ServiceProcess:
    """A real server. `options`: of `omniclaude serve`. Use as a context manager; ended by its process id."""

    def __init__(self, home: Path, *options: str, env: dict[str, str] | None = None) -> None:
        self.home = home
        tokens = TokenFile(home)
        if any(entry.name == "test" for entry in tokens.entries()):
            tokens.revoke("test")
        self.token = tokens.add("test", scopes=["read", "write"]).token
        self._command = [*PROGRAM, "serve", "--port", "0", *options]
        self._env = environment(home, **(env or {}))
        self._lines: list[str] = []
        self._is_told = threading.Event()
        self.url = ""
        self.port = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env=self._env, cwd=self.home.parent, text=True, errors="replace",
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._is_told.wait(_START_DEADLINE_S)
        assert self.port, f"the service did not start:\n{self.log}"
        assert httpx.get(f"{self.url}/healthz", timeout=_START_DEADLINE_S).status_code in {200, 503}, self.log
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.stop()

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        return self._process.pid

    @property
    def log(self) -> str:
        """What it has written to stderr so far."""
        return "\n".join(self._lines)

    @property
    def headers(self) -> dict[str, str]:
        """What opens every endpoint."""
        return {"Authorization": f"Bearer {self.token}"}

    def client(self) -> httpx.Client:
        """A client with the token."""
        return httpx.Client(base_url=self.url, headers=self.headers, timeout=60)

    def access_lines(self, path: str, *, count: int) -> list[dict[str, Any]]:
        """The access log of a path, once there are that many lines."""
        deadline = time.monotonic() + 10
        while True:
            found = [json.loads(line) for line in list(self._lines) if line.startswith("{")]
            found = [line for line in found if line["path"] == path]
            if len(found) >= count or time.monotonic() > deadline:
                return found
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self._process.pid, number)

    def stop(self, *, within_s: float = 30.0) -> int:
        """Ask it to end; its exit code."""
        self._process.terminate()
        try:
            return self.wait(within_s=within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self.wait(within_s=within_s)
            raise

    def wait(self, *, within_s: float = 30.0) -> int:
        """Until it has ended; its exit code."""
        code = self._process.wait(timeout=within_s)
        self._reader.join(timeout=5)
        if self._process.stderr is not None:
            self._process.stderr.close()
        return code

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._lines.append(line.rstrip("\n"))
            found = _LISTENING.search(line)
            if found:
                self.url, self.port = found[1], int(found[2])
                self._is_told.set()
        self._is_told.set()
