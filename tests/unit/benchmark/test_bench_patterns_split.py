"""The two halves of a data set: disjoint, complete, alike, and the same for the same seed."""

from collections import Counter
from pathlib import Path

import pytest

from omniclaude_dagster.benchmark.patterns_split import halves_of
from omniclaude_dagster.benchmark.tasks import BenchmarkTask, read_data_set
from omniclaude_dagster.errors import RequestError

DATA = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "MbppPlus.jsonl.gz"


def a_task(number: int, *, arguments: int = 1, lines: int = 1) -> BenchmarkTask:
    body = "".join(f"    x{n} = {n}\n" for n in range(lines))
    names = ", ".join(f"a{n}" for n in range(arguments))
    source = f"def f{number}({names}):\n{body}    return 1\n"
    return BenchmarkTask(f"T/{number}", f"task {number}", f"f{number}", source, ([1] * arguments,), 1, 0.0, True)


def many() -> list[BenchmarkTask]:
    return [a_task(n, arguments=1 + n % 3, lines=1 + n % 7) for n in range(101)]


def ids(tasks: tuple[BenchmarkTask, ...]) -> list[str]:
    return [task.task_id for task in tasks]


def test_every_task_is_in_exactly_one_half() -> None:
    halves = halves_of(many(), seed=0)
    assert sorted(ids(halves.store) + ids(halves.query)) == sorted(task.task_id for task in many())
    assert (len(halves.store), len(halves.query)) == (51, 50)


def test_the_halves_depend_on_the_seed_and_not_on_the_order_of_the_file() -> None:
    assert halves_of(many(), seed=3) == halves_of(many()[::-1], seed=3)
    assert ids(halves_of(many(), seed=3).query) != ids(halves_of(many(), seed=4).query)


def test_both_halves_hold_as_many_tasks_of_each_number_of_arguments() -> None:
    halves = halves_of(many(), seed=1)
    counts = [Counter(len(t.inputs[0]) for t in half) for half in (halves.store, halves.query)]
    assert all(abs(counts[0][n] - counts[1][n]) <= 2 for n in (1, 2, 3))


def test_the_first_tasks_of_a_half_are_no_stratum_of_their_own() -> None:
    first = halves_of(many(), seed=1).query[:20]
    assert len({len(task.inputs[0]) for task in first}) == 3


def test_one_task_cannot_be_split() -> None:
    with pytest.raises(RequestError, match="two halves"):
        halves_of([a_task(0)], seed=0)


def test_mbpp_is_halved_with_solutions_of_the_same_length() -> None:
    if not DATA.is_file():
        pytest.skip("the MBPP+ file is not beside this checkout")
    halves = halves_of(read_data_set(DATA).tasks, seed=0)
    assert (len(halves.store), len(halves.query)) == (189, 189)
    lengths = [sum(len(t.solution) for t in half) / len(half) for half in (halves.store, halves.query)]
    assert lengths[0] == pytest.approx(lengths[1], rel=0.1)
