"""Keeps what was generated, by its hash, so that a later generation can tell a person's edits from its own text."""

import hashlib
import uuid
from collections.abc import Iterable
from pathlib import Path


class PristineFiles:
    """A folder of contents named by their SHA-256.

    Nothing is brought to the disk by force: a content that a power cut damaged counts as missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, contents: Iterable[bytes]) -> None:
        """Keep contents for good; those that are there already are left alone. Raises OSError."""
        for content in contents:
            path = self._path(hashlib.sha256(content).hexdigest())
            if path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
            temporary.write_bytes(content)
            temporary.replace(path)

    def read(self, sha256: str) -> bytes | None:
        """The content with this hash, or None."""
        try:
            content = self._path(sha256).read_bytes()
        except (OSError, ValueError):
            return None
        return content if hashlib.sha256(content).hexdigest() == sha256 else None

    def _path(self, sha256: str) -> Path:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError("not a SHA-256")
        return self._folder / sha256[:2] / sha256[2:]
