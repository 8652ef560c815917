"""Reads untrusted files: plain ones, of a size that is known before they are read, as strict UTF-8."""

import codecs
import errno
import os
import stat
from pathlib import Path

from omniclaude_dagster.errors import RequestError

_WRONG_BOMS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def read_limited(path: Path, *, max_bytes: int) -> bytes:
    """The bytes of a plain file, not through a link and not more than `max_bytes`.

    Raises RequestError; FileNotFoundError when there is none.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as exc:
        is_link = exc.errno == errno.ELOOP
        reason = "it is a symbolic link" if is_link else exc.strerror or "unknown reason"
        cure = "put the file itself there" if is_link else "make it a plain, readable file"
        raise RequestError(f"{path.name[:120]!r} cannot be read: {reason}.", cure=cure) from None
    info = os.fstat(handle)
    if not stat.S_ISREG(info.st_mode):
        os.close(handle)
        raise RequestError(f"{path.name[:120]!r} is not a plain file.", cure="put a plain file there")
    with os.fdopen(handle, "rb") as stream:
        content = stream.read(max_bytes + 1) if info.st_size <= max_bytes else b""
    size = max(info.st_size, len(content))
    if size > max_bytes:
        raise RequestError(
            f"{path.name[:120]!r} is too large (413): {size:,} bytes; at most {max_bytes:,} are accepted.",
            cure="shorten it",
        )
    return content


def decoded(content: bytes) -> str:
    """Text of a file that is UTF-8 and not empty. Raises RequestError."""
    if not content.removeprefix(codecs.BOM_UTF8).strip():
        raise RequestError("the file is empty.", cure="say in a sentence what the node does")
    encoding = next((name for bom, name in _WRONG_BOMS if content.startswith(bom)), None)
    if encoding is None and b"\0" in content[:4]:
        encoding = "UTF-16 or binary"
    if encoding:
        raise RequestError(f"the file is {encoding}, not UTF-8.", cure="save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise RequestError(
            f"the file is not UTF-8: byte 0x{content[exc.start]:02x} at position {exc.start}.", cure="save it as UTF-8"
        ) from None
