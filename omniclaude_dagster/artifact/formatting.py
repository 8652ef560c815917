"""Formats rendered Python with ruff, so that a reader (and a diff) sees one style.

Only text goes in and text comes out; ruff reads no configuration of the candidate (`--isolated`) and runs nothing.
A node is rendered more than once on its way (with another logic, with its event bus), so texts that were formatted
lately are remembered; the others go to one ruff process, through plain files in memory where the system has such.
"""

import os
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

from omniclaude_dagster.errors import PermanentError

_OPTIONS = ("--isolated", "--line-length", "120", "--target-version", "py312", "--quiet", "--no-cache")
_TIMEOUT_S = 20
_MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108  (a fresh folder with a random name is made in it)
MAX_REMEMBERED = 512
MAX_REMEMBERED_CHARACTERS = 50_000


class _Memory:
    """The texts formatted last, by what they were before. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: OrderedDict[str, str] = OrderedDict()

    def get(self, text: str) -> str | None:
        with self._lock:
            if text in self._texts:
                self._texts.move_to_end(text)
            return self._texts.get(text)

    def put(self, text: str, formatted: str) -> None:
        if len(text) > MAX_REMEMBERED_CHARACTERS:
            return
        with self._lock:
            self._texts[text] = formatted
            while len(self._texts) > MAX_REMEMBERED:
                self._texts.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._texts.clear()


_memory = _Memory()


def format_python(files: Mapping[str, str]) -> dict[str, str]:
    """The same files with their Python formatted. A file ruff cannot parse is left as it is: gate G9 judges it."""
    python = {path: text for path, text in files.items() if path.endswith(".py")}
    known = {path: _memory.get(text) for path, text in python.items()}
    unknown = [path for path, formatted in known.items() if formatted is None]
    texts, is_clean = _formatted([python[path] for path in unknown])
    fresh = dict(zip(unknown, texts, strict=True))
    for path, formatted in fresh.items() if is_clean else ():
        _memory.put(python[path], formatted)
    return {**files, **{path: formatted for path, formatted in known.items() if formatted is not None}, **fresh}


def forget_formatted() -> None:
    """Remember nothing: for measuring what formatting a text for the first time takes."""
    _memory.clear()


def _formatted(texts: Sequence[str]) -> tuple[list[str], bool]:
    """The texts, formatted by one ruff process, and whether it had nothing to complain about."""
    if not texts:
        return [], True
    with tempfile.TemporaryDirectory(prefix="omniclaude-format-", dir=_folder()) as name:
        # Numbered, for neither the name nor the folder of a file changes how it is formatted.
        places = [Path(name) / f"{number}.py" for number in range(len(texts))]
        for place, text in zip(places, texts, strict=True):
            place.write_text(text, encoding="utf-8", errors="surrogatepass")
        is_clean = _format_folder(name) == 0
        return [place.read_text(encoding="utf-8", errors="surrogatepass") for place in places], is_clean


def _folder() -> str | None:
    """A file system in memory, or None for the system's own choice."""
    return str(_MEMORY_FOLDER) if os.access(_MEMORY_FOLDER, os.W_OK | os.X_OK) else None


def run_ruff(*arguments: str, text: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run our own ruff, with `text` on its standard input. Raises PermanentError when it cannot be run."""
    ruff = Path(sys.executable).with_name("ruff")
    try:
        return subprocess.run(
            [str(ruff), *arguments],
            input=text,
            check=False,
            capture_output=True,
            timeout=_TIMEOUT_S,
            env={"PATH": ""},
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise PermanentError(f"ruff cannot be run: {exc}.", cure="run `make setup`") from exc


def _format_folder(folder: str) -> int:
    """Ruff's exit status; 2 when it could not read a file."""
    done = run_ruff("format", *_OPTIONS, folder)
    if done.returncode < 0:
        raise PermanentError(f"ruff was ended by signal {-done.returncode}.", cure="try again, with more free memory")
    return done.returncode
