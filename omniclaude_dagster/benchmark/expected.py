"""What the hidden tests expect: computed once a task from its canonical solution, in the sandbox, and kept.

A job of its own computes it, so no expected value is ever in the process of a candidate. The answers are kept
in the home folder by the hash of the task, with the processor time each one took, which limits the candidates'.
"""

import gzip
import hashlib
import json
import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from omniclaude_dagster.atomic_files import storage_error, write_atomically
from omniclaude_dagster.benchmark.calls import CallProblem, call_function
from omniclaude_dagster.benchmark.tasks import BenchmarkTask
from omniclaude_dagster.benchmark.typed_values import Opaque, decode
from omniclaude_dagster.errors import OmniClaudeError, OutsideError, RequestError
from omniclaude_dagster.sandbox.model import Sandbox

_REVISION = 2
_SOLUTION_PACKAGE = "canonical"
# Position of the input, typed answer, processor seconds.
type _Found = tuple[int, Any, float]
_CANONICAL_LIMIT_S = 120.0
# Only whether there is an answer counts for these functions.
_OPAQUE_ALLOWED = frozenset({"check_str", "text_match_three", "text_starta_endb"})


@dataclass(frozen=True)
class Expected:
    """The hidden tests as they are run: inputs, typed answers and the canonical solution's processor seconds.

    `left_out`: inputs of the data set whose right answer is too large to be handed out of the sandbox.
    """

    inputs: tuple[list[Any], ...]
    answers: tuple[Any, ...]
    cpu_s: tuple[float, ...]
    base_count: int
    left_out: int = 0

    @property
    def base(self) -> "Expected":
        """The base inputs alone."""
        n = self.base_count
        return Expected(self.inputs[:n], self.answers[:n], self.cpu_s[:n], n)

    @cached_property
    def _values(self) -> dict[int, Any]:
        return {}

    def value(self, number: int) -> Any:
        """One answer as a Python value, decoded on first use."""
        if number not in self._values:
            self._values[number] = decode(self.answers[number])
        return self._values[number]


class ExpectedAnswers:
    """Expected answers by task. Safe for threads; `folder` is where they are kept."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._known: dict[str, Expected] = {}

    def of(self, task: BenchmarkTask) -> Expected:
        """The expected answers. Raises RequestError when the canonical solution itself does not work."""
        with self._lock:
            lock = self._locks.setdefault(task.sha256, threading.Lock())
        with lock:
            if task.sha256 not in self._known:
                self._known[task.sha256] = self._kept(task) or self._computed(task)
            return self._known[task.sha256]

    def forget(self, task: BenchmarkTask) -> None:
        """Free the memory of a task that is done; the file stays."""
        with self._lock:
            self._known.pop(task.sha256, None)

    def _path(self, task: BenchmarkTask) -> Path:
        key = hashlib.sha256(f"{_REVISION} {task.sha256}".encode()).hexdigest()
        return self._folder / f"{key[:40]}.json.gz"

    def _kept(self, task: BenchmarkTask) -> Expected | None:
        try:
            document = json.loads(gzip.decompress(self._path(task).read_bytes()))
            found = [(number, answer, float(cpu_s)) for number, answer, cpu_s in document["answers"]]
            return _expected(task, found)
        except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError):
            # Missing or damaged: computed again.
            return None

    def _computed(self, task: BenchmarkTask) -> Expected:
        files = {f"{_SOLUTION_PACKAGE}/__init__.py": b"", f"{_SOLUTION_PACKAGE}/logic.py": task.solution.encode()}
        found: list[_Found] = []
        first = 0
        while first < len(task.inputs):
            calls = call_function(
                self._sandbox,
                files=files,
                package=_SOLUTION_PACKAGE,
                function=task.entry_point,
                inputs=task.inputs[first:],
                limits_s=[_CANONICAL_LIMIT_S] * (len(task.inputs) - first),
                total_s=_CANONICAL_LIMIT_S,
            )
            found += [
                (first + i, answer.typed, answer.cpu_s)
                for i, answer in enumerate(calls.answers)
                if task.entry_point in _OPAQUE_ALLOWED or not isinstance(answer.value, Opaque)
            ]
            if calls.problem is not None and calls.problem.kind != "raised MemoryError":
                raise _unusable(task, calls.problem)
            # The input that the memory does not suffice for is left out.
            first += len(calls.answers) + 1
        if not found:
            raise _unusable(task, CallProblem("left_out", "no answer can be handed out of the sandbox"))
        self._keep(task, found)
        return _expected(task, found)

    def _keep(self, task: BenchmarkTask, found: list[_Found]) -> None:
        document = {"task_id": task.task_id, "answers": found}
        content = gzip.compress(json.dumps(document).encode(), compresslevel=6, mtime=0)
        try:
            write_atomically(self._path(task), content)
        except OSError as exc:
            raise storage_error(f"the expected answers of {task.task_id} cannot be kept", exc) from None


def _expected(task: BenchmarkTask, found: list[_Found]) -> Expected:
    if not found:
        raise ValueError("no answers")
    return Expected(
        inputs=tuple(task.inputs[number] for number, _, _ in found),
        answers=tuple(answer for _, answer, _ in found),
        cpu_s=tuple(cpu_s for _, _, cpu_s in found),
        base_count=sum(number < task.base_count for number, _, _ in found),
        left_out=len(task.inputs) - len(found),
    )


def _unusable(task: BenchmarkTask, problem: CallProblem) -> OmniClaudeError:
    if problem.kind in {"crashed", "forged"}:
        return OutsideError(f"the canonical solution of {task.task_id} could not be run: {problem.detail}.")
    return RequestError(
        f"the canonical solution of {task.task_id} fails: {problem.kind}, {problem.detail}.",
        cure="remove the task from the data set, or correct it",
    )
