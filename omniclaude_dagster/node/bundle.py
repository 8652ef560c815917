"""A node as files: what is rendered, judged by the gates, executed in the sandbox and published.

Holds bytes in memory, knows no templates and writes nothing.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from omniclaude_dagster.errors import RequestError, StorageError, UnsafePathError

MAX_FILE_BYTES = 512 * 1024
MAX_FILES = 200
_PACKAGE_PATTERN = re.compile(r"\A[a-z][a-z0-9_]{0,127}\Z", re.ASCII)
_SEGMENT_PATTERN = re.compile(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z", re.ASCII)
_IGNORED_PARTS = frozenset({"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".git"})


@dataclass(frozen=True)
class NodeBundle:
    """`files` maps paths relative to the package folder (`node.py`, `models/__init__.py`) to their bytes."""

    package_name: str
    files: Mapping[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _PACKAGE_PATTERN.match(self.package_name):
            raise UnsafePathError(f"package name {self.package_name[:80]!r} is not a plain lower-case name.")
        if len(self.files) > MAX_FILES:
            raise UnsafePathError(f"{len(self.files)} files in one node; at most {MAX_FILES} are allowed.")
        for path in self.files:
            check_relative_path(path)

    @cached_property
    def sha256(self) -> str:
        """Hash over every path and content, in order of path."""
        digest = hashlib.sha256(self.package_name.encode())
        for path in sorted(self.files):
            content = hashlib.sha256(self.files[path]).hexdigest()
            digest.update(f"\n{path}\0{content}".encode())
        return digest.hexdigest()

    @property
    def python_files(self) -> dict[str, bytes]:
        """The Python sources, in order of path."""
        return {path: self.files[path] for path in sorted(self.files) if path.endswith(".py")}

    def with_files(self, more: Mapping[str, bytes]) -> "NodeBundle":
        """A new bundle in which `more` replaces or adds files."""
        return NodeBundle(self.package_name, {**self.files, **more})


def content_hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of each content, by path."""
    return {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}


def check_relative_path(path: str) -> None:
    """Refuse absolute paths, `..`, hidden files, control characters and anything not plain ASCII."""
    pure = PurePosixPath(path)
    is_plain = bool(pure.parts) and all(_SEGMENT_PATTERN.match(part) for part in pure.parts)
    if pure.is_absolute() or not is_plain or str(pure) != path:
        raise UnsafePathError(f"file path {path[:120]!r} is not a plain relative path.")


def read_bundle(directory: Path) -> NodeBundle:
    """Read a node folder. Refuses symbolic links and files over 512 KiB; caches are left out."""
    root = directory.resolve()
    if not root.is_dir():
        raise RequestError(f"{directory} is not a folder.", cure="name the folder of one node")
    files: dict[str, bytes] = {}
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if _IGNORED_PARTS.intersection(relative.parts):
            continue
        if path.is_symlink():
            raise UnsafePathError(f"{relative} is a symbolic link.", cure="a node folder holds plain files only")
        if not path.is_file():
            continue
        if path.stat().st_size > MAX_FILE_BYTES:
            raise RequestError(f"{relative} is larger than {MAX_FILE_BYTES} bytes.", cure="a node holds small files")
        try:
            files[relative.as_posix()] = path.read_bytes()
        except OSError as exc:
            raise StorageError(f"{relative} cannot be read: {exc.strerror}.") from exc
    return NodeBundle(root.name, files)
