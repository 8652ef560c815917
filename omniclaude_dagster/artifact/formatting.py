"""Formats rendered Python with ruff, so that a reader (and a diff) sees one style.

Only text goes in and text comes out; ruff reads no configuration of the candidate (`--isolated`) and runs nothing.
"""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from omniclaude_dagster.errors import PermanentError

_OPTIONS = ("--isolated", "--line-length", "120", "--target-version", "py312", "--quiet", "--no-cache")
_TIMEOUT_S = 20


def format_python(files: Mapping[str, str]) -> dict[str, str]:
    """The same files with their Python formatted. A file ruff cannot parse is left as it is: gate G9 judges it."""
    with tempfile.TemporaryDirectory(prefix="omniclaude-format-") as folder:
        root = Path(folder)
        python = [path for path in files if path.endswith(".py")]
        for path in python:
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(files[path], encoding="utf-8", errors="surrogatepass")
        ruff = Path(sys.executable).with_name("ruff")
        try:
            subprocess.run(
                [str(ruff), "format", *_OPTIONS, str(root)],
                check=False,
                capture_output=True,
                timeout=_TIMEOUT_S,
                env={"PATH": ""},
            )
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise PermanentError(f"ruff cannot be run: {exc}.", cure="run `make setup`") from exc
        formatted = {path: (root / path).read_text(encoding="utf-8", errors="surrogatepass") for path in python}
    return {**files, **formatted}
