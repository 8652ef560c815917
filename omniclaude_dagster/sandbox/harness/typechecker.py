"""Calls mypy inside this process, with the same options for the cache's seed and for candidates."""

import io
import json
import os
import sys

from mypy.main import main

CACHE_FOLDER = "/opt/cache/mypy"
PACKAGES = "/opt/site-packages"
OPTIONS = [
    "--strict",
    "--config-file=",
    "--output=json",
    "--no-sqlite-cache",  # a plain folder can be read where it cannot be written
    "--disable-error-code=import-untyped",  # that a library has no types is not the candidate's fault
    "--no-error-summary",
    "--skip-cache-mtime-checks",  # the cache never changes once it is complete
]


def read_only_cache():
    """A folder that mypy may write notes into, whose entries are those of the shared cache."""
    folder = "/tmp/types"
    os.mkdir(folder)
    for name in os.listdir(CACHE_FOLDER):
        if name != "missing_stubs":  # mypy rewrites this list when a candidate imports a library without types
            os.symlink(f"{CACHE_FOLDER}/{name}", f"{folder}/{name}")
    return folder


def library_paths():
    """The import path of packages, for mypy asks this interpreter: the candidate's folder and the harness are none."""
    return [path for path in sys.path if path == PACKAGES or path.startswith(sys.base_prefix)]


def check(paths, *, cache_folder):
    """Type-check `paths`. Returns (exit status, findings as dicts, what mypy printed beside them)."""
    sys.path[:] = library_paths()
    out, err = io.StringIO(), io.StringIO()
    status = 0
    try:
        main(args=[*OPTIONS, f"--cache-dir={cache_folder}", *paths], stdout=out, stderr=err, clean_exit=True)
    except SystemExit as exc:
        status = exc.code if isinstance(exc.code, int) else 2
    findings, other = read_findings(out.getvalue())
    return status, findings, "\n".join(part for part in (err.getvalue(), *other) if part.strip())


def read_findings(text):
    """(findings, other lines) of what mypy printed: one JSON object a line."""
    findings, other = [], []
    for line in text.splitlines():
        try:
            findings.append(json.loads(line))
        except ValueError:
            other.append(line)
    return findings, other
