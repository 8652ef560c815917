"""The results of a run on disk: one JSON line a sample, beside it a file with the run's settings.

A run that was killed goes on after its last complete line; a torn one is dropped. A file that was made with other
settings is never mixed with new results.
"""

import contextlib
import json
import os
from collections.abc import Hashable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, Self

from pydantic import ValidationError

from omniclaude_dagster.atomic_files import file_lock, storage_error, write_atomically
from omniclaude_dagster.benchmark.row import SampleRow
from omniclaude_dagster.errors import ConflictError, RequestError

_FORMAT = 1


class LedgerRow(Protocol):
    """One line of results: a strict Pydantic model that knows what a run has once."""

    @property
    def key(self) -> Hashable:
        """What a run has once."""
        ...

    @classmethod
    def model_validate_json(cls, json_data: bytes, /) -> Self:
        """The row of a line. Raises ValidationError."""
        ...

    def model_dump_json(self) -> str:
        """The line of a row."""
        ...


@dataclass(frozen=True)
class RunHeader:
    """What a run is: its id, and the settings that its results depend on."""

    run_id: str
    settings: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The file beside the results."""
        return {"format": _FORMAT, "run_id": self.run_id, "settings": dict(self.settings)}


class Ledger[R: LedgerRow]:
    """The open results of one run. Append from one thread."""

    def __init__(self, header: RunHeader, rows: list[R], file: IO[bytes], path: Path) -> None:
        self.header = header
        self.rows = rows
        self.path = path
        self._file = file

    def append(self, row: R) -> None:
        """Add a result; it is on the disk when this returns. Raises StorageError."""
        try:
            self._file.write(row.model_dump_json().encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as exc:
            raise storage_error(f"results cannot be written to {self.path}", exc) from None
        self.rows.append(row)


def header_path(results: Path) -> Path:
    """Where the settings of a results file are."""
    return results.with_name(f"{results.name}.run.json")


def open_ledger(path: Path, header: RunHeader, *, is_fresh: bool) -> AbstractContextManager[Ledger[SampleRow]]:
    """The results of `bench code`; see `open_ledger_of`."""
    return open_ledger_of(SampleRow, path, header, is_fresh=is_fresh)


@contextlib.contextmanager
def open_ledger_of[R: LedgerRow](
    row_type: type[R], path: Path, header: RunHeader, *, is_fresh: bool
) -> Iterator[Ledger[R]]:
    """Begin a run, or go on with the one in the file. `header.run_id` counts only for a run that begins.

    Raises ConflictError when the file holds a run with other settings or is being written by another process,
    RequestError when it is no results file, StorageError when the disk refuses.
    """
    with contextlib.ExitStack() as stack:
        # What the caller does inside may fail in its own ways; only our own work becomes a StorageError.
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not stack.enter_context(file_lock(path.with_name(f".{path.name}.lock"))):
                raise ConflictError(f"another process is writing {path}.", cure="wait for it, or name another --output")
            kept = None if is_fresh else read_header(path)
            _refuse_unknown(path, kept, is_fresh=is_fresh)
            if kept is not None:
                _refuse_difference(path, kept, header)
            if kept is None:
                _begin(path, header)
            rows = [] if kept is None else _kept_rows(row_type, path)
            file = stack.enter_context(path.open("ab"))
        except OSError as exc:
            raise storage_error(f"results cannot be kept in {path}", exc) from None
        yield Ledger(kept or header, rows, file, path)


def _refuse_unknown(path: Path, kept: RunHeader | None, *, is_fresh: bool) -> None:
    if kept is None and not is_fresh and path.exists() and path.stat().st_size:
        raise ConflictError(
            f"{path} has no {header_path(path).name} beside it, so what it holds is not known.",
            cure="name another --output, or replace it with --fresh",
        )


def read_header(results: Path) -> RunHeader | None:
    """The settings beside a results file; None when there are none. Raises RequestError when they are damaged."""
    path = header_path(results)
    try:
        document = json.loads(path.read_bytes())
        return RunHeader(str(document["run_id"]), dict(document["settings"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise RequestError(f"{path} cannot be read.", cure="begin again with --fresh") from None


def read_rows(path: Path) -> list[SampleRow]:
    """The complete lines of a results file of `bench code`; see `read_rows_of`."""
    return read_rows_of(SampleRow, path)


def read_rows_of[R: LedgerRow](row_type: type[R], path: Path) -> list[R]:
    """The complete lines of a results file. Raises RequestError naming a line that is no result."""
    content = path.read_bytes() if path.exists() else b""
    rows: dict[Hashable, R] = {}
    for number, line in enumerate(content[: content.rfind(b"\n") + 1].splitlines(), 1):
        try:
            row = row_type.model_validate_json(line)
        except ValidationError:
            raise RequestError(
                f"{path} line {number} is no benchmark result.", cure="begin again with --fresh, or remove the line"
            ) from None
        rows.setdefault(row.key, row)
    return list(rows.values())


def _begin(path: Path, header: RunHeader) -> None:
    # First the results go, then the new settings come: a kill in between leaves nothing that could be mixed.
    path.write_bytes(b"")
    write_atomically(header_path(path), json.dumps(header.as_json(), indent=2).encode() + b"\n")


def _kept_rows[R: LedgerRow](row_type: type[R], path: Path) -> list[R]:
    rows = read_rows_of(row_type, path)
    if path.exists():
        content = path.read_bytes()
        complete = content.rfind(b"\n") + 1
        if complete < len(content):
            os.truncate(path, complete)
    return rows


def _refuse_difference(path: Path, kept: RunHeader, wanted: RunHeader) -> None:
    # Through JSON, so that a tuple and the list it was kept as are the same.
    now = json.loads(json.dumps(dict(wanted.settings)))
    names = sorted({*kept.settings, *now})
    different = [
        f"{n} {json.dumps(kept.settings.get(n))} (now {json.dumps(now.get(n))})"
        for n in names
        if kept.settings.get(n) != now.get(n)
    ]
    if different:
        raise ConflictError(
            f"{path} holds results of another run: {'; '.join(different)}.",
            cure="name another --output, or begin again with --fresh",
        )
