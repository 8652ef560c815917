"""What the set-up and the server of the local model share: places, errors, progress lines, locks, child variables.

Standard library alone and Python 3.9, like everything that tools/local_model.py imports.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MODEL_NAME = "smollm2-135m"

# Measured on 2 cores: without multiprocessing the engine and its worker share one process, which takes the start
# from 33 s to 20 s and one stream from 49 to 60 tokens/s. The host address keeps every socket on loopback.
_SERVER_ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_HOST_IP": "127.0.0.1",
    "VLLM_NO_USAGE_STATS": "1",
}
# A model server has no use for anybody's keys, so it gets these variables of its parent and no others.
_INHERITED_VARIABLES = ("CUDA_VISIBLE_DEVICES", "HOME", "LANG", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "PATH", "TMPDIR")


class LocalModelError(Exception):
    """An outside part failed; the text names cause and cure."""

    def __init__(self, cause: str, *, cure: str) -> None:
        super().__init__(f"{cause} Cure: {cure}.")


@dataclass(frozen=True)
class Layout:
    """Where the parts lie in the cache folder."""

    cache: Path

    @property
    def environment(self) -> Path:
        """The environment of vLLM's CPU build."""
        return self.cache / "env"

    @property
    def model(self) -> Path:
        """The converted model; present only when complete, since it is renamed into place."""
        return self.cache / MODEL_NAME

    @property
    def stamp(self) -> Path:
        """Written last: names the recipe and the interpreter that are ready for use."""
        return self.cache / "ready.json"

    @property
    def default_state(self) -> Path:
        """State of the server that `make` and people use; tests have one of their own."""
        return self.cache / "server"


class Progress:
    """Lines with elapsed seconds on standard error; standard output is for results."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._started = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds since this was made."""
        return time.monotonic() - self._started

    def say(self, text: str) -> None:
        """Print one line."""
        print(f"{self._title} [{self.elapsed_s:4.0f} s] {text}", file=sys.stderr, flush=True)


def cache_folder(environment: Mapping[str, str]) -> Path:
    """OMNICLAUDE_MODEL_CACHE, or omniclaude/vllm in the user's cache folder."""
    if environment.get("OMNICLAUDE_MODEL_CACHE"):
        return Path(environment["OMNICLAUDE_MODEL_CACHE"]).expanduser().resolve()
    base = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().resolve() / "omniclaude" / "vllm"


def write_atomically(path: Path, text: str) -> None:
    """Readers see the old content or the new, never a part."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


@contextmanager
def locked(path: Path, *, progress: Progress, doing: str) -> Iterator[None]:
    """Hold an exclusive lock; the kernel frees it when the holder dies, so it can never be stale."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say(f"another process is {doing}; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def last_lines(path: Path, *, count: int) -> list[str]:
    """The last non-empty lines of a log, without the rest of it in memory."""
    try:
        with path.open("rb") as handle:
            handle.seek(max(0, path.stat().st_size - 16_384))
            text = handle.read().decode("utf-8", "replace").replace("\r", "\n")
    except OSError:
        return []
    return [line.rstrip()[:300] for line in text.split("\n") if line.strip()][-count:]


def make_folder(path: Path) -> None:
    """Make a folder with its parents, or raise LocalModelError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise LocalModelError(
            f"{path} cannot be made: {exc.strerror}.", cure="point OMNICLAUDE_MODEL_CACHE at a folder you can write"
        ) from exc


def server_environment(parent: Mapping[str, str], *, layout: Layout) -> dict[str, str]:
    """Variables of the server process: the recipe's, and of the parent's only what it needs to run."""
    inherited = {name: parent[name] for name in _INHERITED_VARIABLES if name in parent}
    return {**inherited, **_SERVER_ENVIRONMENT, "VLLM_CACHE_ROOT": str(layout.cache / "vllm-cache")}
