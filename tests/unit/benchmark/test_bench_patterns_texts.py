"""The forms in which tasks are compared, and canonical solutions in the form of an answer."""

import pytest

from omniclaude_dagster.benchmark.patterns_solutions import fitted_solution, solution_keys, with_parameters
from omniclaude_dagster.benchmark.patterns_texts import code_key, jaccard, prose, squeezed, squeezed_value, tokens
from omniclaude_dagster.benchmark.tasks import BenchmarkTask

SOLUTION = """
import re
def is_even_length(text):
    count = 0
    for letter in text:
        count += 1
    return helper(count)
def helper(n):
    return n % 2 == 0
"""
# As the pipeline would keep it: other names, annotations, a docstring, helpers first, no unused import.
KEPT = '''
def is_even(value: int) -> bool:
    return value % 2 == 0


def check(arg_1: str) -> bool:
    """Tell whether the length is even."""
    total: int = 0
    for character in arg_1:
        total += 1
    return is_even(total)
'''


def test_code_is_the_same_whatever_its_names_order_and_annotations_are() -> None:
    key = code_key(SOLUTION, "is_even_length")
    assert key is not None
    assert key == code_key(KEPT, "check")


@pytest.mark.parametrize("change", [("% 2", "% 3"), ("+= 1", "+= 2"), ("== 0", "!= 0")])
def test_code_that_does_something_else_has_another_key(change: tuple[str, str]) -> None:
    assert code_key(SOLUTION, "is_even_length") != code_key(KEPT.replace(*change), "check")


def test_what_the_pipeline_makes_of_a_solution_is_still_that_solution() -> None:
    prompt = '"""\nTotal.\nassert total([1], 1) == 1\n"""\n'
    source = "def total(A,n) :\n    s = 0\n    for i in range(0,n) :\n        s += A[i]\n    return (s)\n"
    kept = (
        "from typing import Any, cast\n\ndef total(arg_1: list[Any], arg_2: int) -> float:\n    s = 0\n"
        "    for i in range(arg_2):\n        s += arg_1[i]\n    return cast('float', s)\n"
    )
    task = BenchmarkTask("T/1", prompt, "total", source, ([[1], 1],), 1, 0.0, True)
    assert code_key(kept, "total") in solution_keys(task)
    assert code_key(kept.replace("+=", "-="), "total") not in solution_keys(task)


def test_what_a_function_does_not_reach_makes_no_difference() -> None:
    more = SOLUTION + "def unused(x):\n    return x + 41\n"
    assert code_key(more, "is_even_length") == code_key(SOLUTION, "is_even_length")


def test_code_that_cannot_be_read_or_lacks_the_function_has_no_key() -> None:
    assert code_key("def f(:", "f") is None
    assert code_key("def g(): return 1", "f") is None


def test_a_value_reads_alike_in_python_json_and_a_docstring() -> None:
    forms = ["[(1, True), ('a b', None)]", '[[1, true], ["a b", null]]', "[\n  (1, True),\n  ('a b', None),\n]"]
    assert {squeezed(form) for form in forms} == {'[[1,true],["a b",null]]'}
    assert squeezed_value([(1, True), ("a b", None)]) == '[[1,true],["a b",null]]'


def test_words_do_not_grow_together() -> None:
    assert squeezed("  assert  f( 1,\n 2 )  ==  3 ") == "assert f[1,2]==3"


def test_sets_read_alike_in_every_process() -> None:
    assert squeezed_value({"b", "a", "c"}) == '["a","b","c"]'
    assert squeezed_value([{3, 1}, (frozenset({2}),)]) == "[[1,3],[[2]]]"


def test_numbers_without_a_decimal_text_are_left_out() -> None:
    assert squeezed_value(10**5000) is None


def test_prose_holds_no_calls_that_a_prompt_shows() -> None:
    assert prose('"""\nFind it.\nassert f(1) == 2\n"""\n') == "Find it."
    assert prose("def f(x):\n    '''Find it.\n    >>> f(1)\n    '''") == "def f(x): Find it."


def test_similarity_of_words_is_the_shared_part() -> None:
    assert jaccard(tokens("Find the Sum of x1"), tokens("find the product of x1")) == pytest.approx(4 / 6)
    assert jaccard(tokens(""), tokens("...")) == 0.0


def test_a_solution_gets_the_parameters_that_the_request_asks_for() -> None:
    prompt = '"""\nWrite a function to find the larger of two numbers.\nassert larger(2, 3) == 3\n"""\n'
    source = "def larger(a, b):\n    pick = lambda a: a\n    return pick(a) if a > b else larger(a=b, b=a - 1)\n"
    task = BenchmarkTask("T/1", prompt, "larger", source, ([1, 2],), 1, 0.0, True)
    assert fitted_solution(task) == (
        "def larger(arg_1, arg_2):\n    pick = lambda arg_1: arg_1\n"
        "    return pick(arg_1) if arg_1 > arg_2 else larger(arg_1=arg_2, arg_2=arg_1 - 1)\n"
    )


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f(a, *rest):\n    return a\n", ["x"]),
        ("def f(a, b):\n    return a\n", ["x"]),
        # The new name means something else there already.
        ("def f(a):\n    x = 2\n    return a + x\n", ["x"]),
        ("def g(a):\n    return a\n", ["x"]),
        ("def f(:", ["x"]),
        ("def f(x):\n    return x\n", ["x"]),
    ],
)
def test_a_solution_that_cannot_be_fitted_safely_stays_as_it_is(source: str, names: list[str]) -> None:
    assert with_parameters(source, "f", names) == source


def test_parameters_can_trade_their_names() -> None:
    assert with_parameters("def f(a, b):\n    return a - b\n", "f", ["b", "a"]) == "def f(b, a):\n    return b - a\n"
