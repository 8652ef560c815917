"""Reads a data set of programming tasks with hidden tests: HumanEval+ and MBPP+, plain or gzipped JSON lines.

The format is recognised by its fields. What a task holds is data: nothing of it is executed here.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from omniclaude_dagster.benchmark.mbpp_inputs import restored
from omniclaude_dagster.errors import RequestError, StorageError
from omniclaude_dagster.request.model import MAX_PROMPT_CHARS

DataFormat = Literal["humaneval+", "mbpp+"]
MAX_DATA_BYTES = 512 * 1024**2
_GZIP_MAGIC = b"\x1f\x8b"
_CURE = "give a HumanEval+ or MBPP+ file as EvalPlus publishes it, .jsonl or .jsonl.gz"


class _Line(BaseModel):
    """One line of either format. HumanEval+ continues its prompt with the solution; MBPP+ has its own `assertion`."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=True)

    task_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.+/-]{1,80}$")]
    prompt: Annotated[str, StringConstraints(min_length=1, max_length=MAX_PROMPT_CHARS)]
    entry_point: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
    canonical_solution: str
    base_input: list[list[Any]]
    plus_input: list[list[Any]] | dict[str, Any]
    atol: float = Field(ge=0)
    contract: str
    assertion: str | None = None


@dataclass(frozen=True)
class BenchmarkTask:
    """One task. `inputs` are the hidden tests' arguments, the base ones first; `solution` is a whole module."""

    task_id: str
    prompt: str
    entry_point: str
    solution: str
    inputs: tuple[list[Any], ...]
    base_count: int
    tolerance: float
    is_mbpp: bool

    @cached_property
    def sha256(self) -> str:
        """Hash of everything that the judgement depends on."""
        parts = [self.task_id, self.entry_point, self.solution, repr(self.inputs), self.base_count, self.tolerance]
        return hashlib.sha256(json.dumps(parts).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class DataSet:
    """The tasks of one file, in its order. `sha256` is the hash of the file's uncompressed content."""

    name: str
    format: DataFormat
    tasks: tuple[BenchmarkTask, ...]
    sha256: str


def read_data_set(path: Path, *, limit: int | None = None) -> DataSet:
    """Read the file. Raises RequestError with line, field and cure; StorageError when it cannot be read."""
    content = _content(path)
    lines = [(number, line) for number, line in enumerate(content.split(b"\n"), 1) if line.strip()]
    if not lines:
        raise RequestError(f"{path.name} holds no tasks.", cure=_CURE)
    formats, tasks = [], []
    for number, line in lines[:limit]:
        data_format, task = _task(path.name, number, line)
        formats.append(data_format)
        tasks.append(task)
    mixed = next((i for i, found in enumerate(formats) if found != formats[0]), None)
    if mixed is not None:
        raise RequestError(f"{path.name} line {lines[mixed][0]}: {formats[mixed]} after {formats[0]}.", cure=_CURE)
    repeated = _first_repeated(task.task_id for task in tasks)
    if repeated is not None:
        raise RequestError(f"{path.name} holds task {repeated} twice.", cure="remove one of them")
    name = path.name.removesuffix(".gz").removesuffix(".jsonl")
    return DataSet(name, formats[0], tuple(tasks), hashlib.sha256(content).hexdigest())


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            is_gzip = file.read(2) == _GZIP_MAGIC
        with gzip.open(path) if is_gzip else path.open("rb") as file:
            content = file.read(MAX_DATA_BYTES + 1)
    except FileNotFoundError:
        raise RequestError(f"there is no file {path}.", cure=_CURE) from None
    except IsADirectoryError:
        raise RequestError(f"{path} is a folder.", cure=_CURE) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as exc:
        raise RequestError(f"{path} is a damaged gzip file: {exc}.", cure="fetch it again") from None
    except OSError as exc:
        raise StorageError(f"{path} cannot be read: {exc.strerror}.") from exc
    if len(content) > MAX_DATA_BYTES:
        raise RequestError(f"{path} holds more than {MAX_DATA_BYTES} bytes.", cure=_CURE)
    return content


def _task(name: str, number: int, text: bytes) -> tuple[DataFormat, BenchmarkTask]:
    place = f"{name} line {number}"
    try:
        line = _Line.model_validate(_object(text))
    except (ValueError, RecursionError) as exc:
        raise RequestError(f"{place} is no task of HumanEval+ or MBPP+: {_problem(exc)}.", cure=_CURE) from None
    is_mbpp = line.assertion is not None
    # One task of MBPP+ has an empty object where the others have a list.
    plus = line.plus_input if isinstance(line.plus_input, list) else []
    try:
        inputs = restored(line.task_id, [*line.base_input, *plus]) if is_mbpp else [*line.base_input, *plus]
    except (TypeError, ValueError, IndexError, AttributeError) as exc:
        raise RequestError(f"{place}: the inputs do not fit task {line.task_id}: {exc}.", cure=_CURE) from None
    if not inputs:
        raise RequestError(f"{place}: task {line.task_id} has no hidden tests.", cure=_CURE)
    task = BenchmarkTask(
        task_id=line.task_id,
        prompt=line.prompt,
        entry_point=line.entry_point,
        solution=line.canonical_solution if is_mbpp else line.prompt + line.canonical_solution,
        inputs=tuple(inputs),
        base_count=len(line.base_input),
        tolerance=line.atol,
        is_mbpp=is_mbpp,
    )
    return ("mbpp+" if is_mbpp else "humaneval+"), task


def _object(text: bytes) -> dict[str, Any]:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004  (one kind of error for everything that is no task)
    if isinstance(document.get("atol"), int):
        document["atol"] = float(document["atol"])
    return document


def _problem(exc: Exception) -> str:
    if isinstance(exc, ValidationError):
        shown = [f"{'.'.join(str(p) for p in e['loc'][:2])}: {e['msg']}" for e in exc.errors()[:3]]
        return "; ".join(shown)
    return f"{type(exc).__name__}: {exc}"[:200]


def _first_repeated(names: Iterator[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
