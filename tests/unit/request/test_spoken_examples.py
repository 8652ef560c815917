"""Examples that stand in a prompt: what is taken, and what is ambiguous and left out."""

from typing import Any

import pytest

from omniclaude_dagster.request.understanding.asked_function import asked_function
from omniclaude_dagster.request.understanding.shown_types import shown_annotation


def shown(body: str, head: str = "def f(a, b=None):") -> list[tuple[dict[str, Any], Any]]:
    text = body.replace("\n", "\n    ")
    asked = asked_function(f'{head}\n    """{text}\n    """\n')
    assert asked is not None
    return [(e.input, e.raises if e.raises else (e.output or {})["result"]) for e in asked.examples]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (">>> f(1, 2)\n3", ({"a": 1, "b": 2}, 3)),
        (">>> f([1,\n2])\n[1,\n2]", ({"a": [1, 2]}, [1, 2])),
        (">>> f(0)\nTraceback (most recent call last):\n    ...\nValueError: no", ({"a": 0}, "ValueError")),
        ("f(1) returns 5", ({"a": 1}, 5)),
        ("f(1) should return 5.", ({"a": 1}, 5)),
        ("f(1) == 2", ({"a": 1}, 2)),
        ("f('a') -> 'A'", ({"a": "a"}, "A")),
        ("f('a') ➞ 'A'", ({"a": "a"}, "A")),
        ("f(0) raises ValueError", ({"a": 0}, "ValueError")),
        ("f(0) => raises ZeroDivisionError if b is 0", ({"a": 0}, "ZeroDivisionError")),
        ("f([1,2]) gives 3", ({"a": [1, 2]}, 3)),
        ("f(1) => 2", ({"a": 1}, 2)),
        ("f(1) ==> true", ({"a": 1}, True)),
        ("f(a=1, b=2) = 3", ({"a": 1, "b": 2}, 3)),
        ("`f(1)` returns `2`", ({"a": 1}, 2)),
        ('f(1)   # returns "one"', ({"a": 1}, "one")),
        ("* f(1) -> 2", ({"a": 1}, 2)),
        ("f('19 x') ->19 - 5 - 6 = 8", ({"a": "19 x"}, 8)),
        ("f((1, 2)) == {3, 1}", ({"a": [1, 2]}, [1, 3])),
        ("f({1: 'a'}) == None", ({"a": {"1": "a"}}, None)),
        ("For a = 3, b = 4 the output should be 12", ({"a": 3, "b": 4}, 12)),
    ],
)
def test_an_example_is_found(body: str, expected: tuple[dict[str, Any], Any]) -> None:
    assert shown(body) == [expected]


def test_an_example_of_input_and_output_lines_is_found() -> None:
    body = "Example 1:\n    Input: a = [1]\n    Output: 1\nExample 2:\n    Input: [2]\n    Output: 2"
    assert shown(body, "def f(a):") == [({"a": [1]}, 1), ({"a": [2]}, 2)]


@pytest.mark.parametrize(
    "body",
    [
        "f(x) == 2",
        "f(1) == x",
        "f(1) == 2 + 3",
        "f(1) returns 5 if b is given",
        "f(1) returns 5 times a",
        "f(1) == 2\nf(1) == 3",
        "1 + f(1) == 3",
        "len(f(1)) == 3",
        "g.f(1) == 3",
        "f(1, 2, 3) == 3",
        "f(1) is a number",
        "f(1) == 1e999",
        "f(1) == b'x'",
        "f(1) == 2j",
        "f(1) == {(1, 2): 3}",
        "f(1) == {1: 2, 'x': 3}",
        "f(1) == open('x')",
        'f(["a"]) == ""a"',
        ">>> f(1) == 2\nFalse",
        ">>> f(1)\n<object at 0x1>",
        ">>> print(f(1))\n1",
        "assert set(f(1)) == set([1])",
        "assert f(1)",
        "assert not f(1)",
        "assert math.isclose(f(1), 3.14159265358979)",
        "f(" + "[" * 5000,
        "f('" + "x" * 6000 + "') == 1",
        f"f({'9' * 200}) == 1",
    ],
)
def test_what_is_no_literal_or_ambiguous_is_left_out(body: str) -> None:
    assert shown(body) == []


def test_asserts_are_read_once() -> None:
    assert shown("assert f(1) == 2\nassert (f(2)) == 3\nassert f(3) => 4") == [
        ({"a": 1}, 2),
        ({"a": 2}, 3),
        ({"a": 3}, 4),
    ]


def test_an_equation_that_defines_the_function_is_no_example_beside_examples_of_another_kind() -> None:
    assert shown("tri: f(1) = 3\nFor example:\nf(3) = [1, 3]") == [({"a": 3}, [1, 3])]


def test_text_in_brackets_is_no_result_where_tuples_are() -> None:
    assert shown("f('a') == ('x')\nf('b') == ('x', 'y')") == [({"a": "b"}, ["x", "y"])]


def test_examples_under_another_name_count_when_it_is_the_only_one() -> None:
    assert shown("Example:\n g(1, 2) ==> 3") == [({"a": 1, "b": 2}, 3)]
    assert shown("g(1, 2) ==> 3\nh(1) ==> 3") == []


@pytest.mark.parametrize(
    ("values", "annotation"),
    [
        ([1, 2], "int"),
        ([1, 2.5], "int | float"),
        ([True], "bool"),
        (["a", None], "str | None"),
        ([[1], ["a"]], "list[int | str]"),
        ([[]], "list[Any]"),
        ([(1, 2), (3,)], "tuple[int, ...]"),
        ([[("a", 1), ("b", 2)]], "list[tuple[str, int]]"),
        ([{"a": [1]}], "dict[str, list[int]]"),
        ([{1: "a"}], "dict[int, str]"),
        ([{1, 2}], "set[int]"),
        ([], None),
        ([2j], None),
    ],
)
def test_values_stand_for_an_annotation(values: list[Any], annotation: str | None) -> None:
    assert shown_annotation(values) == annotation
