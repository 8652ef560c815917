"""Hand-made tasks in the formats of HumanEval+ and MBPP+, and rows of results."""

import gzip
import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from omniclaude_dagster.benchmark.row import SampleRow
from omniclaude_dagster.benchmark.tasks import BenchmarkTask

DOUBLE: dict[str, Any] = {
    "task_id": "HumanEval/0",
    "prompt": 'def double_it(n: int) -> int:\n    """Return twice n.\n    >>> double_it(2)\n    4\n'
    '    >>> double_it(5)\n    10\n    """\n',
    "entry_point": "double_it",
    "canonical_solution": "    return n * 2\n",
    "base_input": [[2], [5]],
    "plus_input": [[0], [-7], [10**30]],
    "atol": 0,
    "contract": "",
}
# Squares and doubles agree on 0 and 2: the visible example does not tell them apart.
SQUARE: dict[str, Any] = {
    "task_id": "HumanEval/1",
    "prompt": 'def square_of(n: int) -> int:\n    """Return n times n.\n    >>> square_of(2)\n    4\n    """\n',
    "entry_point": "square_of",
    "canonical_solution": "    return n * n\n",
    "base_input": [[2], [0]],
    "plus_input": [[3], [-4]],
    "atol": 0,
    "contract": "",
}
SHARED: dict[str, Any] = {
    "task_id": "Mbpp/2",
    "prompt": '"""\nFind the shared elements.\nassert set(shared((3, 4), (4, 5))) == {4}\n"""\n',
    "entry_point": "shared",
    "canonical_solution": "def shared(a, b):\n    return tuple(set(a) & set(b))\n",
    "base_input": [[[3, 4], [4, 5]]],
    "plus_input": [],
    "atol": 0,
    "contract": "",
    "assertion": "assert shared((3, 4), (4, 5)) == (4,)",
}


def write_tasks(path: Path, lines: Iterable[Mapping[str, Any]]) -> Path:
    """A data set file; gzipped when the name says so."""
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def a_task(source: str, *, entry_point: str = "f", inputs: Iterable[list[Any]] = ([1],), **more: Any) -> BenchmarkTask:
    """A task whose canonical solution is `source`; every input is a base one unless `base_count` says otherwise."""
    given = tuple(inputs)
    values: dict[str, Any] = {"base_count": len(given), "tolerance": 0.0, "is_mbpp": False, **more}
    return BenchmarkTask("Test/1", "prompt", entry_point, source, given, **values)


def a_row(task: str = "HumanEval/0", sample: int = 0, **changes: Any) -> SampleRow:
    """A sample whose published body is right."""
    values: dict[str, Any] = {
        "task": task,
        "sample": sample,
        "status": "published",
        "body": "published",
        "is_passed": True,
        "is_passed_if_delivered": True,
        "is_body_right": True,
        "is_body_right_on_base": True,
        "quality_score": 0.9,
        "quality": {"examples": 1.0},
        "visible_examples": 2,
        "correlation_id": uuid.uuid4(),
        "finished_at": datetime.now(UTC),
    }
    return SampleRow.model_validate(values | changes)


def a_wrong_row(task: str = "HumanEval/0", sample: int = 0, **changes: Any) -> SampleRow:
    """A sample whose body was refused, and is wrong."""
    wrong = {name: False for name in ("is_passed", "is_passed_if_delivered", "is_body_right", "is_body_right_on_base")}
    values = {"status": "needs_review", "body": "refused", "quality_score": 0.4, "error_class": "wrong_answer"}
    return a_row(task, sample, **(wrong | values | changes))
