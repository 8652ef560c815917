"""Splits a data set into the half that fills the library and the half that is measured. Pure and seeded.

Stratified by how many arguments a task's function takes and how long its canonical solution is, so that both halves
hold as many short and long tasks. The order within a half is random, hence the first N of it are a fair sample.
"""

import ast
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from omniclaude_dagster.benchmark.tasks import BenchmarkTask
from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.request.understanding.python_text import NotPythonError, module_of

_MAX_ARGUMENTS = 3
_LENGTHS = 3


@dataclass(frozen=True)
class Halves:
    """The tasks of each half, each in its random order."""

    store: tuple[BenchmarkTask, ...]
    query: tuple[BenchmarkTask, ...]


def halves_of(tasks: Sequence[BenchmarkTask], *, seed: int) -> Halves:
    """The halves; their sizes differ by one at most, in all and in each stratum. Raises RequestError for one task."""
    if len(tasks) < 2:
        raise RequestError("one task cannot be split into two halves.", cure="give a data set with two tasks or more")
    limits = _length_limits(tasks)
    dealt = sorted(tasks, key=lambda task: (_stratum(task, limits), _draw(task, seed)))
    store = sorted(dealt[0::2], key=lambda task: _draw(task, seed))
    query = sorted(dealt[1::2], key=lambda task: _draw(task, seed))
    return Halves(tuple(store), tuple(query))


def _stratum(task: BenchmarkTask, limits: Sequence[int]) -> tuple[int, int]:
    length = sum(_length(task) > limit for limit in limits)
    return min(_MAX_ARGUMENTS, len(task.inputs[0])), length


def _length_limits(tasks: Sequence[BenchmarkTask]) -> list[int]:
    """Where the lengths of solutions are cut into parts of equal size."""
    lengths = sorted(map(_length, tasks))
    return [lengths[len(lengths) * part // _LENGTHS] for part in range(1, _LENGTHS)]


def _length(task: BenchmarkTask) -> int:
    """Nodes of the syntax tree: lines say more about layout than about the task."""
    try:
        return sum(1 for _ in ast.walk(module_of(task.solution)))
    except NotPythonError:
        return len(task.solution)


def _draw(task: BenchmarkTask, seed: int) -> str:
    """A random place that depends on nothing but the seed and the task's id."""
    return hashlib.sha256(f"{seed} {task.task_id}".encode()).hexdigest()
