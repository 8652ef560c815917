"""Files that are either there completely or not at all, and locks that die with their process.

What every room that writes state shares: atomic writing, file locks, and the translation of an operating
system's error into a StorageError with a cure. Knows nothing about what is written.
"""

import contextlib
import errno
import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from omniclaude_dagster.errors import StorageError

_POLL_S = 0.02
_CURES = {
    errno.ENOSPC: "free some disk space",
    errno.EDQUOT: "raise the disk quota or free some space",
    errno.EFBIG: "raise the limit on file size (ulimit -f)",
    errno.EROFS: "choose a folder on a writable disk",
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.ENOTDIR: "choose a path whose parents are folders",
    errno.ENOENT: "create the folder above it",
    errno.ENAMETOOLONG: "choose a shorter path",
    errno.ELOOP: "choose a path without symbolic links",
    errno.EIO: "check the disk",
}


def storage_error(action: str, exc: OSError) -> StorageError:
    """A StorageError that says what could not be done, why, and what helps."""
    reason = exc.strerror or type(exc).__name__
    cure = _CURES.get(exc.errno or 0, "check the disk and the permissions")
    return StorageError(f"{action}: {reason}.", cure=cure)


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write so that a reader, or the next start after kill -9, sees the old file or the new one, never a part.

    Makes the parent folder. `mode` holds from the first byte on. Raises OSError; the temporary file is removed then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def remove_abandoned(folder: Path, *, older_than_s: float = 600.0) -> None:
    """Remove temporary files that killed writers left in `folder`. A missing folder is fine."""
    for path in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > older_than_s:
                path.unlink()


@contextlib.contextmanager
def file_lock(path: Path, *, wait_s: float = 0.0) -> Iterator[bool]:
    """Hold an exclusive lock on `path`; yields False when another holder did not let go within `wait_s`.

    The kernel releases the lock when the process dies, however it dies. The file is removed on release, so
    that locks per request leave nothing behind. Threads of one process exclude each other as well.
    Raises OSError when the lock file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_s
    handle = _acquire(path)
    while handle is None and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        handle = _acquire(path)
    if handle is None:
        yield False
        return
    try:
        yield True
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        os.close(handle)


def _acquire(path: Path) -> int | None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The holder before us unlinks the file before it lets go: a lock on an unlinked file locks nothing.
        is_current = os.fstat(handle).st_ino == path.stat().st_ino
    except (BlockingIOError, FileNotFoundError):
        is_current = False
    except BaseException:
        os.close(handle)
        raise
    if is_current:
        return handle
    os.close(handle)
    return None
