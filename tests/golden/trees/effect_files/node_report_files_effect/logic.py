# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Business logic of NodeReportFilesEffect: files below one root folder, written atomically."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from hashlib import sha256
from itertools import islice
from pathlib import Path

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError

from .enums import EnumReportFilesOperation
from .models import ModelReportFilesConfig, ModelReportFilesInput, ModelReportFilesOutput

# What a write leaves behind when it dies; never listed.
_UNFINISHED = ".writing-"


async def perform(request: ModelReportFilesInput, config: ModelReportFilesConfig) -> ModelReportFilesOutput:
    """Carry out one operation without blocking the event loop."""
    return await asyncio.to_thread(_perform, request, config)


def _perform(request: ModelReportFilesInput, config: ModelReportFilesConfig) -> ModelReportFilesOutput:
    try:
        return _OPERATIONS[request.operation](request, _inside(config.root, request.path), config)
    except FileNotFoundError as exc:
        raise _failed(f"{request.path} does not exist", EnumCoreErrorCode.FILE_NOT_FOUND) from exc
    except PermissionError as exc:
        raise _failed(
            f"{request.path} may not be touched; check the permissions below FILES_ROOT",
            EnumCoreErrorCode.PERMISSION_DENIED,
        ) from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise _failed(
            f"{request.operation.value} of {request.path} failed: {exc}", EnumCoreErrorCode.FILE_OPERATION_ERROR
        ) from exc


def _inside(root: Path, path: str) -> Path:
    """The path below the root; `..` and links are refused, wherever they lead."""
    if "\0" in path:
        raise _failed("path must not contain a NUL character", EnumCoreErrorCode.VALIDATION_ERROR)
    base = root.resolve()
    target = base / path
    # A path without links and `..` is the same after they have been followed.
    if ".." in target.parts or target.resolve() != target or not target.is_relative_to(base):
        raise _failed(
            f"{path} is outside the root folder, or leads through a link", EnumCoreErrorCode.PERMISSION_DENIED
        )
    return target


def _checked(target: Path, config: ModelReportFilesConfig) -> Path:
    """The same path, unless something is there that is no plain file; a pipe would never end."""
    if target == config.root.resolve() or (target.exists() and not target.is_file()):
        raise _failed(f"{target.name} is not a file", EnumCoreErrorCode.FILE_OPERATION_ERROR)
    return target


def _replace(target: Path, content: bytes, config: ModelReportFilesConfig) -> None:
    """Write beside the target, then rename: readers see the old file or the new one, never half of it."""
    if len(content) > config.max_bytes:
        raise _failed(f"a file must not be larger than {config.max_bytes} bytes", EnumCoreErrorCode.VALIDATION_ERROR)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=_UNFINISHED)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(target)
        _sync_folder(target.parent)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    """Let the rename survive a loss of power, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _written(request: ModelReportFilesInput, content: bytes) -> ModelReportFilesOutput:
    return ModelReportFilesOutput(path=request.path, size_bytes=len(content), sha256=sha256(content).hexdigest())


def _content(target: Path, config: ModelReportFilesConfig) -> bytes:
    """The whole file; one above the limit is refused without being read."""
    with _checked(target, config).open("rb") as stream:
        content = stream.read(config.max_bytes + 1)
    if len(content) > config.max_bytes:
        raise _failed(f"{target.name} is larger than {config.max_bytes} bytes", EnumCoreErrorCode.RESOURCE_ERROR)
    return content


def _write(request: ModelReportFilesInput, target: Path, config: ModelReportFilesConfig) -> ModelReportFilesOutput:
    content = request.content.encode()
    _replace(_checked(target, config), content, config)
    return _written(request, content)


def _read(request: ModelReportFilesInput, target: Path, config: ModelReportFilesConfig) -> ModelReportFilesOutput:
    content = _content(target, config)
    return ModelReportFilesOutput(
        path=request.path,
        size_bytes=len(content),
        sha256=sha256(content).hexdigest(),
        content=content.decode(),
    )


def _delete(request: ModelReportFilesInput, target: Path, config: ModelReportFilesConfig) -> ModelReportFilesOutput:
    _checked(target, config).unlink()
    return ModelReportFilesOutput(path=request.path, size_bytes=0)


def _list(request: ModelReportFilesInput, target: Path, config: ModelReportFilesConfig) -> ModelReportFilesOutput:
    names = (entry.name for entry in target.iterdir() if not entry.name.startswith(_UNFINISHED))
    entries = sorted(islice(names, config.max_entries + 1))
    if len(entries) > config.max_entries:
        raise _failed(f"{request.path} has more than {config.max_entries} entries", EnumCoreErrorCode.RESOURCE_ERROR)
    return ModelReportFilesOutput(path=request.path, size_bytes=0, entries=entries)


_OPERATIONS: dict[
    EnumReportFilesOperation, Callable[[ModelReportFilesInput, Path, ModelReportFilesConfig], ModelReportFilesOutput]
] = {
    EnumReportFilesOperation.WRITE: _write,
    EnumReportFilesOperation.READ: _read,
    EnumReportFilesOperation.DELETE: _delete,
    EnumReportFilesOperation.LIST: _list,
}


def _failed(message: str, code: EnumCoreErrorCode) -> ModelOnexError:
    return ModelOnexError(message=message, error_code=code)
