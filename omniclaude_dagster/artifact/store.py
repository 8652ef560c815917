"""Puts a judged node into the output folder: all of its files or none, whatever happens meanwhile.

A node is written into `<output>/.omniclaude-tmp-<id>/<package>`, brought to the disk, and renamed into place. An
earlier node of ours is renamed aside first. After kill -9 at any point the output folder holds the old node, the
new one, or (between two renames) neither; `sweep` then puts the old one back. Renders nothing, judges nothing.
"""

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omniclaude_dagster.artifact.folders import (
    hash_tree,
    kind_of,
    open_folder,
    open_nearest_folder,
    read_file,
    write_tree,
)
from omniclaude_dagster.artifact.manifest import MANIFEST_NAME, ownership_problem
from omniclaude_dagster.artifact.pristine import PristineFiles
from omniclaude_dagster.artifact.update import Update, merged_with_edits
from omniclaude_dagster.atomic_files import file_lock, storage_error
from omniclaude_dagster.errors import ConflictError, GateBlockedError, StorageError, UnsafePathError
from omniclaude_dagster.gates.report import GateReport
from omniclaude_dagster.node.bundle import MAX_FILE_BYTES, NodeBundle, content_hashes

logger = logging.getLogger(__name__)

_STAGING_PREFIX = ".omniclaude-tmp-"
_ASIDE = ".old"
_TRASH = ".trash"
_PROBE_BYTES = 64 * 1024


@dataclass(frozen=True)
class PublishedFile:
    """One delivered file; `path` is absolute, `bytes` its size."""

    path: str
    sha256: str
    bytes: int

    def as_json(self) -> dict[str, Any]:
        """The object that `generate --json` prints for a file."""
        return {"path": self.path, "sha256": self.sha256, "bytes": self.bytes}


@dataclass(frozen=True)
class PublishedNode:
    """A node in the output folder, read back and verified. `is_replacement`: an earlier one of ours was there."""

    path: Path
    files: tuple[PublishedFile, ...]
    is_replacement: bool = False


@dataclass(frozen=True)
class SweepResult:
    """What a sweep found: nodes put back, and how many leftovers it removed."""

    restored: tuple[str, ...] = ()
    removed_count: int = 0


class NodeStore:
    """Publishes into one output folder. Threads and processes may publish at once; the same target goes in turn.

    `lock_wait_s`: how long a publisher waits for another one of the same target.
    """

    def __init__(self, output_dir: Path, state_dir: Path, *, lock_wait_s: float = 10.0) -> None:
        self._output_dir = Path(os.path.normpath(output_dir.absolute()))
        self._locks = state_dir / "locks" / "targets"
        self._pristine = PristineFiles(state_dir / "pristine")
        self._lock_wait_s = lock_wait_s
        self._is_swept = False

    def merged(self, bundle: NodeBundle) -> tuple[NodeBundle, Update] | None:
        """The bundle with the edits of what stands in its place merged in; None when there are none."""
        return merged_with_edits(bundle, self._output_dir, self._pristine)

    def publish(
        self, bundle: NodeBundle, report: GateReport, *, request_id: str, update: Update | None = None
    ) -> PublishedNode:
        """Deliver `bundle`. Publishing the same bytes again changes nothing. `update`: how `merged` made it.

        Raises GateBlockedError without a passing report about exactly these bytes, ConflictError when the target is
        not ours to replace, UnsafePathError for links, StorageError when the disk refuses; old files stay then.
        """
        _demand_passing_report(bundle, report)
        try:
            with open_folder(self._output_dir, is_made=True) as output, self._target_lock(bundle):
                if not self._is_swept:
                    _sweep_open_folder(output)
                    self._is_swept = True
                self._pristine.keep((update.generated if update else bundle).files.values())
                is_replacement = self._put(output, bundle, update)
        except OSError as exc:
            raise storage_error(f"{bundle.package_name} cannot be written to {self._output_dir}", exc) from exc
        target = self._output_dir / bundle.package_name
        logger.info("request %s: published %s (%d files)", request_id, target, len(bundle.files))
        return PublishedNode(target, _published_files(target, bundle), is_replacement)

    @contextlib.contextmanager
    def _target_lock(self, bundle: NodeBundle) -> Iterator[None]:
        target = self._output_dir / bundle.package_name
        name = hashlib.sha256(os.fsencode(target)).hexdigest()[:32]
        with file_lock(self._locks / f"{name}.lock", wait_s=self._lock_wait_s) as is_mine:
            if not is_mine:
                raise ConflictError(
                    f"{target} is being written by another request (409).",
                    cure="wait until it has finished, or choose another output folder",
                )
            yield

    def _put(self, output: int, bundle: NodeBundle, update: Update | None) -> bool:
        """Whether an earlier node was replaced."""
        expected = content_hashes(bundle.files)
        present = self._replaceable(output, bundle, expected, update)
        if present == expected:
            return False
        with _staging_folder(output) as staging:
            write_tree(staging, bundle.package_name, bundle.files)
            _swap_in(output, staging, bundle.package_name, has_old=present is not None)
            try:
                os.fsync(output)
                _verify(output, bundle.package_name, expected)
            except BaseException:
                _swap_back(output, staging, bundle.package_name, has_old=present is not None)
                raise
        return bool(present)

    def _replaceable(
        self, output: int, bundle: NodeBundle, expected: dict[str, str], update: Update | None
    ) -> dict[str, str] | None:
        """Hashes of what is in the target's place, None if nothing. Raises when that must stay."""
        name = bundle.package_name
        target = self._output_dir / name
        kind = kind_of(output, name)
        if kind == "missing":
            return None
        if kind == "link":
            raise UnsafePathError(f"{target} is a symbolic link.", cure="remove the link or choose another folder")
        if kind == "file":
            raise ConflictError(f"{target} is a file.", cure="remove it or choose another output folder")
        present = hash_tree(output, name)
        if not present or present == expected:
            return present
        if update is not None:
            if present != update.present:
                raise ConflictError(f"{target} was changed while it was generated anew.", cure="generate it again")
            return present
        manifest = read_file(output, f"{name}/{MANIFEST_NAME}", max_bytes=MAX_FILE_BYTES)
        problem = ownership_problem(manifest, present)
        if problem:
            raise ConflictError(
                f"{target} {problem}.", cure="move it away, choose another output folder, or give the node another name"
            )
        return present


def sweep(output_dir: Path) -> SweepResult:
    """Clean up after killed publishers: put a node back that was aside, remove their temporary folders.

    Live publishers are left alone. A missing folder needs no sweep. Raises UnsafePathError and StorageError.
    """
    try:
        with open_folder(output_dir) as output:
            return _sweep_open_folder(output)
    except FileNotFoundError:
        return SweepResult()
    except OSError as exc:
        raise storage_error(f"{output_dir} cannot be swept", exc) from exc


def check_writable(output_dir: Path) -> str | None:
    """Really write, sync and remove a file in `output_dir`, or in the nearest folder above it that exists.

    Returns what is wrong with its cure, or None. Leaves nothing behind and makes no folder.
    """
    name = f"{_STAGING_PREFIX}{uuid.uuid4().hex}"
    try:
        with open_nearest_folder(output_dir) as folder:
            try:
                write_tree(folder, name, {"probe": b"\0" * _PROBE_BYTES})
            finally:
                shutil.rmtree(name, ignore_errors=True, dir_fd=folder)
    except UnsafePathError as exc:
        return str(exc)
    except OSError as exc:
        return str(storage_error(f"{output_dir} cannot be written", exc))
    return None


def _demand_passing_report(bundle: NodeBundle, report: GateReport) -> None:
    name = bundle.package_name
    if report.bundle_sha256 != bundle.sha256:
        raise GateBlockedError(
            f"{name} is not published: its gate report is about other bytes.", cure="run the gates on this node"
        )
    if not report.is_passed:
        failed = ", ".join(result.gate for result in report.blocking_failures) or "no gate has run"
        raise GateBlockedError(
            f"{name} is not published: blocking gates failed ({failed}).", cure="read their messages and correct it"
        )
    if not bundle.files:
        raise GateBlockedError(f"{name} is not published: it has no files.", cure="generate it again")


@contextlib.contextmanager
def _staging_folder(output: int) -> Iterator[int]:
    """A fresh folder, locked so that a sweep leaves it alone, and removed at the end."""
    name, handle = _made_and_locked(output)
    try:
        yield handle
    finally:
        # What cannot be removed now, the next sweep removes.
        shutil.rmtree(name, ignore_errors=True, dir_fd=output)
        os.close(handle)


def _made_and_locked(output: int) -> tuple[str, int]:
    while True:
        name = f"{_STAGING_PREFIX}{uuid.uuid4().hex}"
        os.mkdir(name, 0o700, dir_fd=output)
        with contextlib.suppress(FileNotFoundError):
            handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=output)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if kind_of(output, name) == "folder":
                return name, handle
            # A sweep came between making and locking, and removed it.
            os.close(handle)


def _swap_in(output: int, staging: int, name: str, *, has_old: bool) -> None:
    if has_old:
        os.rename(name, _ASIDE, src_dir_fd=output, dst_dir_fd=staging)
    try:
        os.rename(name, name, src_dir_fd=staging, dst_dir_fd=output)
    except OSError:
        if has_old:
            os.rename(_ASIDE, name, src_dir_fd=staging, dst_dir_fd=output)
        raise


def _swap_back(output: int, staging: int, name: str, *, has_old: bool) -> None:
    os.rename(name, name, src_dir_fd=output, dst_dir_fd=staging)
    if has_old:
        os.rename(_ASIDE, name, src_dir_fd=staging, dst_dir_fd=output)
    # The error that led here matters more than one more of this failing disk.
    with contextlib.suppress(OSError):
        os.fsync(output)


def _verify(output: int, name: str, expected: dict[str, str]) -> None:
    found = hash_tree(output, name)
    wrong = sorted(path for path in expected.keys() | found.keys() if expected.get(path) != found.get(path))
    if wrong:
        raise StorageError(f"{name}/{wrong[0]} reads back differently from what was written.", cure="check the disk")


def _published_files(target: Path, bundle: NodeBundle) -> tuple[PublishedFile, ...]:
    return tuple(
        PublishedFile(str(target / path), hashlib.sha256(bundle.files[path]).hexdigest(), len(bundle.files[path]))
        for path in sorted(bundle.files)
    )


def _sweep_open_folder(output: int) -> SweepResult:
    restored: list[str] = []
    removed_count = 0
    with os.scandir(output) as entries:
        names = sorted(entry.name for entry in entries if entry.name.startswith(_STAGING_PREFIX))
    for name in names:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, BlockingIOError):
            handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=output)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                restored.extend(_restore_aside(output, handle))
                shutil.rmtree(name, dir_fd=output)
                removed_count += 1
            finally:
                os.close(handle)
    if restored or removed_count:
        os.fsync(output)
        logger.warning("swept %d leftovers of killed publishers; put back: %s", removed_count, restored or "none")
    return SweepResult(tuple(restored), removed_count)


def _restore_aside(output: int, staging: int) -> list[str]:
    """Put the old node back if its publisher died between the two renames: both nodes are in staging then."""
    with os.scandir(staging) as entries:
        names = [entry.name for entry in entries]
    if _ASIDE not in names:
        return []
    package = next((name for name in names if not name.startswith(".")), None)
    if package is not None and kind_of(output, package) == "missing":
        os.rename(_ASIDE, package, src_dir_fd=staging, dst_dir_fd=output)
        return [package]
    # Half removed, it must never look like something to put back.
    os.rename(_ASIDE, _TRASH, src_dir_fd=staging, dst_dir_fd=staging)
    return []
