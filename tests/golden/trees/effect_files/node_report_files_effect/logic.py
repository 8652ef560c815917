"""Business logic of NodeReportFilesEffect: files below one root folder, written atomically."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError

from .enums import EnumReportFilesOperation
from .models import ModelReportFilesConfig, ModelReportFilesInput, ModelReportFilesOutput


async def perform(request: ModelReportFilesInput, config: ModelReportFilesConfig) -> ModelReportFilesOutput:
    """Carry out one operation without blocking the event loop."""
    return await asyncio.to_thread(_perform, request, config.root)


def _perform(request: ModelReportFilesInput, root: Path) -> ModelReportFilesOutput:
    target = _inside(root, request.path)
    try:
        return _OPERATIONS[request.operation](request, target)
    except FileNotFoundError as exc:
        raise ModelOnexError(
            message=f"{request.path} does not exist", error_code=EnumCoreErrorCode.FILE_NOT_FOUND
        ) from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise ModelOnexError(
            message=f"{request.operation.value} of {request.path} failed: {exc}",
            error_code=EnumCoreErrorCode.FILE_OPERATION_ERROR,
        ) from exc


def _inside(root: Path, path: str) -> Path:
    """The path below the root; links and `..` that lead out of it are refused."""
    base = root.resolve()
    target = (base / path).resolve()
    if not target.is_relative_to(base):
        raise ModelOnexError(
            message=f"{path} is outside the root folder", error_code=EnumCoreErrorCode.PERMISSION_DENIED
        )
    return target


def _replace(target: Path, content: bytes) -> None:
    """Write beside the target, then rename: readers see the old file or the new one, never half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _written(request: ModelReportFilesInput, content: bytes) -> ModelReportFilesOutput:
    return ModelReportFilesOutput(path=request.path, size_bytes=len(content), sha256=sha256(content).hexdigest())


def _write(request: ModelReportFilesInput, target: Path) -> ModelReportFilesOutput:
    content = request.content.encode()
    _replace(target, content)
    return _written(request, content)


def _read(request: ModelReportFilesInput, target: Path) -> ModelReportFilesOutput:
    content = target.read_bytes()
    return ModelReportFilesOutput(
        path=request.path,
        size_bytes=len(content),
        sha256=sha256(content).hexdigest(),
        content=content.decode(),
    )


def _delete(request: ModelReportFilesInput, target: Path) -> ModelReportFilesOutput:
    target.unlink()
    return ModelReportFilesOutput(path=request.path, size_bytes=0)


def _list(request: ModelReportFilesInput, target: Path) -> ModelReportFilesOutput:
    entries = sorted(entry.name for entry in target.iterdir())
    return ModelReportFilesOutput(path=request.path, size_bytes=0, entries=entries)


_OPERATIONS: dict[EnumReportFilesOperation, Callable[[ModelReportFilesInput, Path], ModelReportFilesOutput]] = {
    EnumReportFilesOperation.WRITE: _write,
    EnumReportFilesOperation.READ: _read,
    EnumReportFilesOperation.DELETE: _delete,
    EnumReportFilesOperation.LIST: _list,
}
