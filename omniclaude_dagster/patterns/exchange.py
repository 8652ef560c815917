"""Patterns as a file: one a line, so that a library can be kept, moved and shared.

A line is a JSON object with a format version, the whole content of a pattern and its hashes; a name that ends in `.gz`
is compressed. A file is untrusted: each line is read strictly, made anew by `making.make_pattern` and compared with the
hashes that it carries. Use and success are of the library in which they happened and are not in the file. Both ways a
pattern is refused that holds an obvious credential. Files are read and written line by line, in constant memory.
"""

import contextlib
import gzip
import json
import os
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from io import BufferedIOBase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from omniclaude_dagster.atomic_files import storage_error, sync_folder
from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.patterns.credentials import credential_in
from omniclaude_dagster.patterns.making import make_pattern
from omniclaude_dagster.patterns.model import MIN_QUALITY, Added, Pattern, PatternSource, PatternType
from omniclaude_dagster.providers.redaction import Redactor
from omniclaude_dagster.request.files import decoded
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.request.parsing import parse_json

FORMAT = "omniclaude-pattern/1"
MAX_LINE_BYTES = 1024 * 1024
# Unpacked: a few kilobytes can unpack to gigabytes.
MAX_FILE_BYTES = 4 * 1024**3
_GZIP_MAGIC = b"\x1f\x8b"
# Clocks differ; a pattern from next week would stay fresh for ever.
_CLOCK_SLACK = timedelta(days=1)
_MAX_NAMED_PROBLEMS = 3

Outcome = Literal["new", "duplicate", "refused"]


@dataclass(frozen=True)
class Exported:
    """What became of one pattern on its way into the file; `problem` is empty when it is in."""

    pattern_id: uuid.UUID
    problem: str = ""


@dataclass(frozen=True)
class ReadLine:
    """One line of a file: the pattern, or what is wrong with it."""

    number: int
    pattern: Pattern | None = None
    problem: str = ""


@dataclass(frozen=True)
class Imported:
    """What became of one line."""

    number: int
    outcome: Outcome
    pattern_id: uuid.UUID | None = None
    problem: str = ""


class _TooLargeError(Exception):
    """The file is larger than any export."""


class _Line(BaseModel):
    """The schema of a line. Unknown keys are refused: another format has another version."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    format: Literal["omniclaude-pattern/1"]
    pattern_id: Annotated[uuid.UUID, Field(strict=False)]
    content_hash: str
    code_fingerprint: str
    pattern_type: PatternType
    name: str
    description: str
    node_kind: Annotated[NodeKind, Field(strict=False)]
    domain: str
    systems: Annotated[tuple[str, ...], Field(strict=False)]
    function: str
    code: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    input_class: str
    output_class: str
    contract: str
    models: dict[str, str]
    request: dict[str, JsonValue]
    examples: Annotated[tuple[dict[str, JsonValue], ...], Field(strict=False)]
    origin: str
    quality_score: float
    models_used: Annotated[tuple[str, ...], Field(strict=False)]
    core_version: str
    source: PatternSource
    request_id: str
    correlation_id: Annotated[uuid.UUID, Field(strict=False)]
    created_at: Annotated[AwareDatetime, Field(strict=False)]
    reuse_conditions: Annotated[tuple[str, ...], Field(strict=False)]


# What follows from the rest is worked out again, not taken over.
_MADE_FROM = tuple(_Line.model_fields.keys() - {"format", "pattern_id", "content_hash", "code_fingerprint"})


def export_patterns(path: Path, patterns: Iterable[Pattern], *, redactor: Redactor) -> Iterator[Exported]:
    """Write patterns to a file, and say of each whether it is in. The file is there, whole, once the iterator ends.

    What holds a credential is left out. Raises StorageError; the old file is intact then.
    """
    with _written_whole(path) as stream:
        for pattern in patterns:
            found = credential_in(pattern, redactor=redactor)
            if found is None:
                stream.write(json.dumps(_document(pattern), allow_nan=False).encode() + b"\n")
            yield Exported(pattern.pattern_id, f"it seems to hold {found}" if found else "")


def read_patterns(path: Path, *, now: datetime | None = None) -> Iterator[ReadLine]:
    """The patterns of a file, each made anew and equal to what was exported, but for the source `import`.

    `now` is what the times in the file are compared with. Raises RequestError when there is no such file.
    """
    latest = (now or datetime.now(UTC)) + _CLOCK_SLACK
    number = 0
    try:
        with _opened(path) as stream:
            for number, line in enumerate(_lines(stream), start=1):
                if line is None:
                    yield ReadLine(number, problem=f"too large (413): at most {MAX_LINE_BYTES:,} bytes are accepted")
                elif line.strip():
                    yield _read_line(number, line, latest=latest)
    except (gzip.BadGzipFile, EOFError, zlib.error, _TooLargeError) as exc:
        yield ReadLine(number + 1, problem=f"nothing from here on can be read: {exc}")
    except OSError as exc:
        raise RequestError(f"{path} cannot be read: {exc.strerror}.", cure="name a plain, readable file") from None


def import_patterns(
    lines: Iterable[ReadLine],
    *,
    add: Callable[[Pattern], Added],
    is_known: Callable[[uuid.UUID], bool],
    redactor: Redactor,
) -> Iterator[Imported]:
    """Add what the library does not have yet, and say of each line what became of it.

    A pattern that is there already gains nothing by being imported again: no use has happened here.
    """
    for line in lines:
        if line.pattern is None:
            yield Imported(line.number, "refused", problem=line.problem)
            continue
        pattern_id = line.pattern.pattern_id
        found = credential_in(line.pattern, redactor=redactor)
        if found is not None:
            yield Imported(line.number, "refused", pattern_id, f"it seems to hold {found}")
        elif is_known(pattern_id):
            yield Imported(line.number, "duplicate", pattern_id)
        else:
            added = add(line.pattern)
            yield Imported(line.number, "new" if added.is_new else "duplicate", added.pattern_id)


def _document(pattern: Pattern) -> dict[str, Any]:
    return {"format": FORMAT, **{field.name: _plain(getattr(pattern, field.name)) for field in fields(Pattern)}}


def _plain(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return dict(value) if isinstance(value, Mapping) else value


def _read_line(number: int, line: bytes, *, latest: datetime) -> ReadLine:
    try:
        read = _Line.model_validate(parse_json(decoded(line)))
        made = make_pattern(**{name: getattr(read, name) for name in _MADE_FROM})
    except ValidationError as exc:
        return ReadLine(number, problem=_described(exc))
    except RequestError as exc:
        return ReadLine(number, problem=exc.message.rstrip("."))
    problem = _problem(read, made, latest=latest)
    if problem:
        return ReadLine(number, problem=problem)
    return ReadLine(number, replace(made, source="import"))


def _problem(read: _Line, made: Pattern, *, latest: datetime) -> str:
    """What contradicts the line's own hashes, the bar of the library, or the clock."""
    if (made.pattern_id, made.code_fingerprint) != (read.pattern_id, read.code_fingerprint):
        return "its id and fingerprint are not those of its code: it was changed, or made by another release"
    if made.content_hash != read.content_hash:
        return "its content_hash is not that of its content: it was changed, or made by another release"
    if made.quality_score < MIN_QUALITY:
        return f"its quality {made.quality_score} is below {MIN_QUALITY}"
    if made.created_at > latest:
        return f"it says that it was made in the future: {made.created_at.isoformat()}"
    return ""


def _described(exc: ValidationError) -> str:
    details = exc.errors(include_url=False, include_context=False, include_input=False)
    shown = (f"{'.'.join(str(part) for part in d['loc'])[:80]}: {d['msg']}" for d in details[:_MAX_NAMED_PROBLEMS])
    return f"no line of the format {FORMAT}: {'; '.join(shown)}"


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    """A plain file, unpacked where its first bytes say that it is packed."""
    try:
        if not path.is_file():
            raise RequestError(f"there is no file {path}.", cure="name a file that `omniclaude patterns export` wrote")
        raw = path.open("rb")
    except OSError as exc:
        raise RequestError(f"{path} cannot be read: {exc.strerror}.", cure="name a plain, readable file") from None
    with raw:
        is_packed = raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        raw.seek(0)
        with gzip.open(raw) if is_packed else contextlib.nullcontext(raw) as stream:
            yield stream


def _lines(stream: BufferedIOBase) -> Iterator[bytes | None]:
    """The lines; None for one that is too large, of which no more than the limit is ever held."""
    left = MAX_FILE_BYTES
    while piece := stream.readline(MAX_LINE_BYTES + 1):
        is_too_large = len(piece) > MAX_LINE_BYTES
        left -= len(piece)
        yield None if is_too_large else piece
        while is_too_large and piece and not piece.endswith(b"\n"):
            piece = stream.readline(MAX_LINE_BYTES + 1)
            left -= len(piece)
            _refuse_below_zero(left)
        _refuse_below_zero(left)


def _refuse_below_zero(left: int) -> None:
    if left < 0:
        raise _TooLargeError(f"the file holds more than {MAX_FILE_BYTES:,} bytes; divide it")


@contextlib.contextmanager
def _written_whole(path: Path) -> Iterator[BufferedIOBase]:
    """A stream into a temporary file that takes the place of `path` when all went well."""
    if path.is_dir():
        raise RequestError(f"{path} is a folder.", cure="name a file in it")
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with os.fdopen(handle, "wb") as raw:
            with _packed(raw) if path.suffix == ".gz" else contextlib.nullcontext(raw) as stream:
                yield stream
            raw.flush()
            os.fsync(raw.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as exc:
        raise storage_error(f"{path} cannot be written", exc) from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _packed(raw: BufferedIOBase) -> gzip.GzipFile:
    """Without name and time: equal patterns give equal files."""
    return gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)
