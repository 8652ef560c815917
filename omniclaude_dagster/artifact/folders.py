"""Folders and trees of files, reached without ever following a symbolic link.

Everything works on directory handles: a component that is swapped for a link between two calls leads nowhere.
Knows nothing about nodes. Raises UnsafePathError for links, OSError for the rest.
"""

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from omniclaude_dagster.errors import UnsafePathError

# Written and removed by tools that run a node; no part of it.
CACHE_NAMES = frozenset({"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"})
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Passing through a folder needs no right to list it.
_PASS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAX_DEPTH = 32


@contextlib.contextmanager
def open_folder(path: Path, *, is_made: bool = False) -> Iterator[int]:
    """A handle of the folder `path`; `is_made`: missing folders are made on the way."""
    handle, missing = _descend(path, is_made=is_made)
    try:
        if missing:
            raise FileNotFoundError(2, "No such folder", str(path))
        with _opened(".", handle) as folder:
            yield folder
    finally:
        os.close(handle)


@contextlib.contextmanager
def open_nearest_folder(path: Path) -> Iterator[int]:
    """A handle of `path` or, where that is missing, of the deepest folder above it that exists."""
    handle, _ = _descend(path, is_made=False)
    try:
        with _opened(".", handle) as folder:
            yield folder
    finally:
        os.close(handle)


def write_tree(parent: int, name: str, files: Mapping[str, bytes]) -> None:
    """Make the folder `name` with `files` (relative paths) in it, and bring everything to the disk."""
    os.mkdir(name, 0o755, dir_fd=parent)
    with _opened(name, parent) as root:
        folders = {""} | {str(above) for path in files for above in Path(path).parents if str(above) != "."}
        for folder in sorted(folders - {""}):
            os.mkdir(folder, 0o755, dir_fd=root)
        for path, content in files.items():
            with os.fdopen(os.open(path, _NEW_FILE, 0o644, dir_fd=root), "wb") as stream:
                stream.write(content)
        # All writing before all syncing: the first sync then does the work of all.
        for path in files:
            _sync(path, root, _OLD_FILE)
        for folder in folders:
            _sync(folder or ".", root, _FOLDER)


def hash_tree(parent: int, name: str) -> dict[str, str]:
    """Relative path to SHA-256 of every file below `name`, caches left out. Refuses links and special files."""
    found: dict[str, str] = {}
    with _opened(name, parent) as root:
        _hash_into(found, root, prefix="", depth=0)
    return found


def read_file(parent: int, path: str, *, max_bytes: int) -> bytes | None:
    """The content of a plain file, or None when it is missing, special or larger."""
    try:
        handle = os.open(path, _OLD_FILE, dir_fd=parent)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as stream:
        info = os.fstat(stream.fileno())
        return stream.read() if stat.S_ISREG(info.st_mode) and info.st_size <= max_bytes else None


def kind_of(parent: int, name: str) -> str:
    """`missing`, `link`, `folder` or `file` (anything else)."""
    try:
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return "missing"
    if stat.S_ISLNK(mode):
        return "link"
    return "folder" if stat.S_ISDIR(mode) else "file"


def _descend(path: Path, *, is_made: bool) -> tuple[int, bool]:
    """Handle of the deepest folder reached, and whether something below it is missing."""
    if "\0" in str(path):
        raise UnsafePathError("a folder's path contains NUL.", cure="choose another folder")
    parts = Path(os.path.normpath(path.absolute())).parts
    handle = os.open(parts[0], _PASS)
    try:
        for depth, part in enumerate(parts[1:]):
            kind = kind_of(handle, part)
            if kind == "missing":
                if not is_made:
                    return handle, True
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=handle)
                    kind = "folder"
            below = _entered(handle, part, kind, shown=Path(*parts[: depth + 2]))
            os.close(handle)
            handle = below
    except BaseException:
        os.close(handle)
        raise
    return handle, False


def _entered(handle: int, part: str, kind: str, *, shown: Path) -> int:
    # A link directly below / is the system's own (/tmp or /home on some systems).
    is_systems_link = kind == "link" and len(shown.parts) == 2
    if kind == "link" and not is_systems_link:
        raise UnsafePathError(f"{shown} is a symbolic link.", cure="name the folder that it leads to")
    return os.open(part, _PASS | (0 if is_systems_link else os.O_NOFOLLOW), dir_fd=handle)


@contextlib.contextmanager
def _opened(name: str, parent: int) -> Iterator[int]:
    handle = os.open(name, _FOLDER, dir_fd=parent)
    try:
        yield handle
    finally:
        os.close(handle)


def _sync(path: str, parent: int, flags: int) -> None:
    handle = os.open(path, flags, dir_fd=parent)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _hash_into(found: dict[str, str], folder: int, *, prefix: str, depth: int) -> None:
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if entry.name not in CACHE_NAMES)
    for name in names:
        path = f"{prefix}{name}"
        kind = kind_of(folder, name)
        if kind == "folder" and depth < _MAX_DEPTH:
            with _opened(name, folder) as below:
                _hash_into(found, below, prefix=f"{path}/", depth=depth + 1)
            continue
        handle = os.open(name, _OLD_FILE, dir_fd=folder) if kind == "file" else None
        if handle is None:
            raise UnsafePathError(f"{path!r} is a link or nested too deeply.", cure="remove it")
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise UnsafePathError(f"{path!r} is not a plain file.", cure="remove it")
            found[path] = hashlib.file_digest(stream, "sha256").hexdigest()
