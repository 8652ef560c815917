"""What is too close is left out; what leaks is found. One planted leak of every kind, each of which must be found."""

import json
from typing import Any

import pytest

from omniclaude_dagster.benchmark.expected import Expected
from omniclaude_dagster.benchmark.patterns_leaks import HiddenTests, LeakFoundError, LeakReport, check_leaks
from omniclaude_dagster.benchmark.patterns_neighbours import neighbourhood
from omniclaude_dagster.benchmark.tasks import BenchmarkTask
from omniclaude_dagster.benchmark.typed_values import encode
from omniclaude_dagster.patterns.model import Pattern
from tests.support.pattern_fakes import LetterEmbedder, pattern_for

QUERY_SOURCE = """def spread(rows, width):
    found = []
    for row in rows:
        found.append(row[:width])
    return found
"""


def a_task(task_id: str, prompt: str, function: str, source: str, inputs: list[list[Any]]) -> BenchmarkTask:
    return BenchmarkTask(task_id, prompt, function, source, tuple(inputs), 1, 0.0, True)


STORE = a_task(
    "T/store",
    '"""\nCount the vowels of a sentence.\nassert vowels("audio and video") == 8\n"""\n',
    "vowels",
    "def vowels(text):\n    return sum(c in 'aeiou' for c in text)\n",
    [["audio and video"]],
)
QUERY = a_task(
    "T/query",
    '"""\nCut every row of a table to a width.\nassert spread([[1, 2]], 1) == [[1]]\n"""\n',
    "spread",
    QUERY_SOURCE,
    [[[[1, 2]], 1], [[[11, 22, 33], [44, 55, 66]], 2]],
)


def hidden(task: BenchmarkTask, *answers: Any) -> HiddenTests:
    expected = Expected(task.inputs, tuple(encode(a) for a in answers), (0.1,) * len(answers), 1)
    return HiddenTests.of(task, expected)


HIDDEN = hidden(QUERY, [[1]], [[11, 22], [44, 55]])


def stored(**changes: Any) -> Pattern:
    description = str(changes.pop("description", "Count the vowels of a sentence."))
    values: dict[str, Any] = {
        "request_id": "bench-store-T-store-0",
        "function": STORE.entry_point,
        "code": STORE.solution,
        "request": {"prompt": STORE.prompt, "mode": "balanced"},
        "examples": ({"input": {"arg_1": "audio and video"}, "output": {"result": 8}},),
    }
    return pattern_for(description, **(values | changes))


def checked(pattern: Pattern, *, queries: list[HiddenTests] | None = None) -> LeakReport:
    return check_leaks([pattern], origins={"bench-store-T-store-0": STORE}, queries=queries or [HIDDEN])


def test_a_library_of_other_tasks_is_clean_and_the_report_says_what_was_looked_at() -> None:
    report = checked(stored())
    assert report.leaks == ()
    report.require_clean()
    shown = report.as_json()
    assert shown["is_clean"] is True
    assert shown["looked_at"] == {
        "patterns": 1,
        "texts": shown["looked_at"]["texts"],
        "characters": shown["looked_at"]["characters"],
        "query_tasks": 1,
        "prompt_pairs": 1,
        "solutions": 1,
        "hidden_calls": 2,
        "expected_values": 1,
        "expected_values_too_short": 1,
    }
    assert shown["looked_at"]["texts"] > 5
    assert shown["looked_at"]["characters"] > 200


RENAMED = QUERY_SOURCE.replace("spread", "cut").replace("rows", "arg_1").replace("found", "kept").replace("row", "one")
PLANTED: dict[str, tuple[str, dict[str, Any]]] = {
    "a pattern made of the query task": ("origin", {"request_id": "bench-store-T-query-0"}),
    "a pattern of nobody knows what": ("origin", {"request_id": "somebody-elses"}),
    "the prompt": ("prompt", {"request": {"prompt": QUERY.prompt}}),
    "the prompt as a description": ("prompt", {"description": "Cut every row of a table to its width."}),
    "the solution as it is": ("solution", {"code": QUERY_SOURCE, "function": "spread"}),
    "the solution laid out anew": ("solution", {"contract": QUERY_SOURCE.replace("\n", "\n\n")}),
    "the solution with other names": ("solution", {"code": RENAMED, "function": "cut"}),
    "a hidden assert line in a docstring": (
        "call",
        {"code": f"{STORE.solution}# assert spread([[11, 22, 33], [44, 55, 66]], 2) == 0\n"},
    ),
    "a hidden call in a text of the request": (
        "call",
        {"request": {"prompt": "Try this:\nspread( [[11, 22, 33],\n  [44, 55, 66]], 2 )"}},
    ),
    "an expected value as an example": ("value", {"examples": ({"input": {}, "output": {"r": [[11, 22], [44, 55]]}},)}),
    "an expected value in the contract": (
        "value",
        {"contract": "examples:\n- - - 11\n    - 22\n  - - 44\n    - 55\n"},
    ),
    "an expected value in a model's docstring": ("value", {"models": {"models/m.py": "'gives ((11, 22), (44, 55))'"}}),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_leak_is_found_and_blocks(name: str) -> None:
    kind, changes = PLANTED[name]
    origins = {"bench-store-T-store-0": STORE, "bench-store-T-query-0": QUERY}
    report = check_leaks([stored(), stored(**changes)], origins=origins, queries=[HIDDEN])
    assert kind in {leak.kind for leak in report.leaks}, report
    assert report.as_json()["is_clean"] is False
    with pytest.raises(LeakFoundError, match="the library holds") as caught:
        report.require_clean()
    assert caught.value.exit_code == 1
    json.dumps(report.as_json())


def test_a_value_that_the_patterns_own_task_shows_is_counted_and_no_leak() -> None:
    value = [[11, 22], [44, 55]]
    own = a_task("T/own", f"Make {value}.", "make", f"def make():\n    return {value}\n", [[]])
    pattern = stored(code=own.solution, function="make", request_id="own")
    report = check_leaks([pattern], origins={"own": own}, queries=[HIDDEN])
    assert report.leaks == ()
    assert report.own_values == 1


def test_part_of_a_longer_number_is_no_leak() -> None:
    task = a_task("T/n", "Multiply a lot.", "times", "def times(a):\n    return a * 3\n", [[5]])
    numbers = hidden(task, 123456789012)
    assert checked(stored(contract="n: 91234567890125"), queries=[numbers]).leaks == ()
    assert {leak.kind for leak in checked(stored(contract="n: 123456789012"), queries=[numbers]).leaks} == {"value"}


def test_a_call_of_a_function_with_a_longer_name_is_no_leak() -> None:
    assert checked(stored(code=f"{STORE.solution}# unspread([[1, 2]], 1)\n")).leaks == ()


def test_tasks_that_are_too_close_are_left_out_with_the_reason() -> None:
    same_words = a_task(
        "T/w", '"""\nCount the vowels of a long sentence.\n"""', "a", "def a(x):\n    return 1\n", [[1]]
    )
    same_code = a_task("T/c", "Sum up.", "b", STORE.solution.replace("vowels", "b").replace("text", "t"), [[1]])
    same_test = a_task("T/t", "Whatever.", "vowels", "def vowels(x):\n    return 8\n", [["audio and video"]])
    far = a_task("T/f", "Xyz kpq.", "d", "def d(x):\n    return [x]\n", [[1]])
    found = neighbourhood([STORE], [same_words, same_code, same_test, far], embedder=LetterEmbedder())
    reasons = {one.task: one.reason for one in found.left_out}
    assert reasons == {"T/w": "same_words", "T/c": "same_solution", "T/t": "shared_test"}
    assert [task.task_id for task in found.tasks] == ["T/f"]
    assert 0 <= found.nearest["T/f"] < 0.95
    assert found.as_json()["left_out"] == 3


def test_prompts_of_the_same_meaning_are_left_out_too() -> None:
    # The letters are the same, no word is.
    anagram = a_task("T/a", "Tnuoc eht slewov fo a ecnetnes.", "e", "def e(x):\n    return 2 * x\n", [[1]])
    found = neighbourhood([STORE], [anagram], embedder=LetterEmbedder())
    assert [one.reason for one in found.left_out] == ["same_meaning"]
