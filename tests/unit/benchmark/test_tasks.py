"""Reading data sets: both formats, and an error with a cure for everything else."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.benchmark.mbpp_inputs import restored
from omniclaude_dagster.benchmark.tasks import read_data_set
from omniclaude_dagster.errors import RequestError
from tests.support.benchmark_tasks import DOUBLE, SHARED, SQUARE, write_tasks


@pytest.mark.parametrize("name", ["tasks.jsonl", "tasks.jsonl.gz"])
def test_humaneval_plus_is_read_plain_and_gzipped(tmp_path: Path, name: str) -> None:
    data = read_data_set(write_tasks(tmp_path / name, [DOUBLE, SQUARE]))
    assert (data.name, data.format, [t.task_id for t in data.tasks]) == (
        "tasks", "humaneval+", ["HumanEval/0", "HumanEval/1"],
    )  # fmt: skip
    task = data.tasks[0]
    assert task.solution == DOUBLE["prompt"] + "    return n * 2\n"
    assert (task.base_count, len(task.inputs), task.inputs[4], task.is_mbpp) == (2, 5, [10**30], False)


def test_gzipped_and_plain_data_are_the_same_data(tmp_path: Path) -> None:
    plain = read_data_set(write_tasks(tmp_path / "a.jsonl", [DOUBLE]))
    packed = read_data_set(write_tasks(tmp_path / "a.jsonl.gz", [DOUBLE]))
    assert plain.sha256 == packed.sha256
    assert plain.tasks[0].sha256 == packed.tasks[0].sha256


def test_mbpp_plus_is_recognised_and_its_tuples_are_restored(tmp_path: Path) -> None:
    data = read_data_set(write_tasks(tmp_path / "m.jsonl", [SHARED]))
    assert data.format == "mbpp+"
    assert data.tasks[0].inputs == ([(3, 4), (4, 5)],)
    assert data.tasks[0].solution == SHARED["canonical_solution"]


@pytest.mark.parametrize(
    ("task_id", "given", "wanted"),
    [
        ("Mbpp/63", [[[1, 2], [3, 4]]], [[(1, 2), (3, 4)]]),
        ("Mbpp/75", [[[1, 2]], 3], [[(1, 2)], 3]),
        ("Mbpp/106", [[1], [2]], [[1], (2,)]),
        ("Mbpp/115", [[[1], []]], [[{1}, {}]]),
        ("Mbpp/124", ["1", "2j"], [1.0, 2j]),
        ("Mbpp/250", [[1], 2], [(1,), 2]),
        ("Mbpp/252", ["(1+2j)"], [1 + 2j]),
        ("Mbpp/259", [[[1], [2]], [[3]]], [((1,), (2,)), ((3,),)]),
        ("Mbpp/278", [[1, [2]]], [(1, (2,))]),
        ("Mbpp/580", [[1, [2, [3]]]], [(1, (2, (3,)))]),
        ("Mbpp/722", [{"a": [1, 2]}, 3], [{"a": (1, 2)}, 3]),
        ("Mbpp/3", [[1]], [[1]]),
    ],
)
def test_each_task_of_mbpp_gets_the_types_that_json_took(task_id: str, given: list[Any], wanted: list[Any]) -> None:
    assert restored(task_id, [given]) == [wanted]


def test_a_limit_takes_the_first_tasks_only(tmp_path: Path) -> None:
    assert len(read_data_set(write_tasks(tmp_path / "a.jsonl", [DOUBLE, SQUARE]), limit=1).tasks) == 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "holds no tasks"),
        ([{"question": "?", "answer": "!"}], "line 1 is no task of HumanEval"),
        ([DOUBLE, {**SQUARE, "entry_point": "a b"}], "line 2 is no task.*entry_point"),
        ([{**DOUBLE, "base_input": [1]}], "base_input"),
        ([{**DOUBLE, "base_input": [], "plus_input": []}], "no hidden tests"),
        ([DOUBLE, DOUBLE], "HumanEval/0 twice"),
        ([DOUBLE, SHARED], "line 2: mbpp"),
        ([{**SHARED, "base_input": [[1, 2]]}], "do not fit task Mbpp/2"),
        ([["a list"]], "no JSON object"),
    ],
)
def test_another_format_is_refused_with_line_and_cure(tmp_path: Path, lines: list[Any], message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        read_data_set(write_tasks(tmp_path / "a.jsonl", lines))
    assert caught.value.cure


@pytest.mark.parametrize("content", [b"not json\n", b"\xff\xfe\n", b'{"task_id": \n', b"[" * 100_000])
def test_a_file_without_json_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(RequestError, match="line 1"):
        read_data_set(path)


def test_a_damaged_gzip_file_a_folder_and_a_missing_file_are_told_apart(tmp_path: Path) -> None:
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(json.dumps(DOUBLE).encode())[:-12])
    for path, message in ((cut, "damaged gzip"), (tmp_path, "is a folder"), (tmp_path / "no", "there is no file")):
        with pytest.raises(RequestError, match=message):
            read_data_set(path)
