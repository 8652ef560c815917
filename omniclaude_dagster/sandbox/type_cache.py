"""The type checker's warm cache: built once per machine and set of versions, read-only for every candidate.

It is written by a sandbox of its own that sees nothing but the trusted seed (`harness/type_seed.py`), into a
folder that appears under its final name only when it is complete. Whoever is second waits for the first.
"""

import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

from omniclaude_dagster.errors import SandboxUnavailableError
from omniclaude_dagster.sandbox.isolation import HARNESS_PATH, new_enclosure
from omniclaude_dagster.sandbox.model import SandboxJob, SandboxLimits
from omniclaude_dagster.sandbox.worker import Worker, WorkerDiedError

CACHE_NAME = "mypy"
_LIMITS = SandboxLimits(wall_s=900, cpu_s=900, memory_bytes=4 * 1024**3, file_bytes=64 * 1024**2)


def cache_folder(base: Path) -> Path:
    """Where the cache for exactly these versions belongs below `base`."""
    digest = hashlib.sha256(sys.version.encode())
    for name, version in sorted((item.name.lower(), item.version) for item in distributions()):
        digest.update(f"{name}=={version}\n".encode())
    for source in ("type_seed.py", "typechecker.py"):
        digest.update((HARNESS_PATH / source).read_bytes())
    return base / "sandbox-types" / digest.hexdigest()[:24]


def ensure_cache(base: Path, *, bwrap: Path | None = None) -> Path:
    """The complete cache below `base`, built now if need be (about a minute). Raises SandboxUnavailableError."""
    folder = cache_folder(base)
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (folder.parent / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.is_dir():
                _build(folder, bwrap)
    except OSError as exc:
        raise SandboxUnavailableError(
            f"the type checker's cache cannot be stored: {exc.strerror}.", cure="make the user's cache folder writable"
        ) from exc
    return folder


def _build(folder: Path, bwrap: Path | None) -> None:
    for stale in folder.parent.glob(".building-*"):  # we hold the lock, so nobody is at work there
        shutil.rmtree(stale, ignore_errors=True)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=folder.parent))
    enclosure = new_enclosure(bwrap, writable={building: CACHE_NAME})
    if enclosure.is_root:
        os.chown(building, enclosure.uid, enclosure.uid)
    worker = Worker(enclosure)
    try:
        record, _ = worker.run(SandboxJob(task="build_type_cache", files={}, limits=_LIMITS))
    except WorkerDiedError as exc:
        raise SandboxUnavailableError(f"the type checker's cache was not built: {exc}.", cure="try again") from exc
    finally:
        worker.close()
    outcome = record.outcome()
    if outcome.status != "ok":
        raise SandboxUnavailableError(
            f"the type checker's cache was not built: {outcome.status}, {outcome.message}.",
            cure="run `make setup` again",
        )
    if enclosure.is_root:
        _take_back(building)
    building.chmod(0o755)
    building.rename(folder)


def _take_back(folder: Path) -> None:
    """Give everything in `folder` to this user: the sandbox wrote it as an unused one."""
    os.chown(folder, os.geteuid(), os.getegid())
    for root, folders, names in os.walk(folder):
        for name in (*folders, *names):
            os.chown(Path(root) / name, os.geteuid(), os.getegid(), follow_symlinks=False)
