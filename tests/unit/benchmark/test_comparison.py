"""When an answer is right, and that values keep their types on the way out of the sandbox."""

import base64
import json
import zlib
from typing import Any

import pytest

from omniclaude_dagster.benchmark.comparison import agrees, first_wrong
from omniclaude_dagster.benchmark.typed_values import Opaque, decode, encode
from omniclaude_dagster.sandbox.harness import typed_values as inside

NAN = float("nan")


@pytest.mark.parametrize(
    ("expected", "answer", "is_right"),
    [
        (1, 1.0, True),
        (True, 1, True),
        ((1, 2), [1, 2], False),
        ([1, 2], [1, 2], True),
        ({3, 1}, {1, 3}, True),
        ("a", b"a", False),
        (None, False, False),
        (0.1 + 0.2, 0.3, True),
        (1.0, 1.0 + 9e-7, True),
        (1.0, 1.0 + 2e-6, False),
        (1.0, 1, True),
        (0.5, "0.5", False),
        (NAN, NAN, True),
        (NAN, 1.0, False),
        (1.0, NAN, False),
        (float("inf"), float("inf"), True),
        (float("inf"), -float("inf"), False),
        ([0.1, 0.2], [0.1 + 1e-9, 0.2], True),
        ([0.1, 0.2], (0.1 + 1e-9, 0.2), False),
        ([0.1, 0.2], [0.1], False),
        # Only flat lists of floats are compared with a tolerance unless the data set asks for one.
        ([1, 0.3], [1, 0.1 + 0.2], False),
        (10**400, 10**400, True),
        (10**400, 1e300, False),
    ],
)
def test_answers_are_compared_as_evalplus_does(expected: Any, answer: Any, is_right: bool) -> None:
    assert agrees(expected, answer, tolerance=0.0) is is_right


def test_a_tolerance_of_the_data_set_holds_for_nested_numbers_of_the_same_type() -> None:
    assert agrees([1, [2.0]], [1, [2.00005]], tolerance=1e-4)
    assert not agrees([1, [2.0]], [1, [2.1]], tolerance=1e-4)
    assert not agrees(1.0, "1.0", tolerance=1e-4)
    assert not agrees("a", "b", tolerance=1e-4)
    assert not agrees(10**400, 10**400 + 1, tolerance=1e-4)


def test_what_cannot_be_compared_equals_nothing_not_even_itself_in_another_answer() -> None:
    assert not agrees(Opaque("object"), Opaque("object"), tolerance=0.0)
    assert not agrees(5, Opaque("Liar"), tolerance=1.0)


def wrong_at(entry_point: str, expected: list[Any], answers: list[Any], *, is_mbpp: bool = True, **more: Any) -> Any:
    inputs = more.pop("inputs", [[0]] * len(expected))
    values = {"inputs": inputs, "expected": expected, "answers": answers, "tolerance": 0.0, "is_mbpp": is_mbpp}
    return first_wrong(entry_point, **(values | more))


def test_the_first_wrong_answer_is_named() -> None:
    assert wrong_at("f", [1, 2, 3], [1, 5, 6]) == 1
    assert wrong_at("f", [1, 2, 3], [1, 2]) is None


def test_tasks_with_several_right_answers_have_an_oracle_of_their_own() -> None:
    assert wrong_at("similar_elements", [(1, 2)], [[2, 1]]) is None
    assert wrong_at("similar_elements", [(1, 2)], [[2, 3]]) == 0
    assert wrong_at("similar_elements", [(1, 2)], [5]) == 0
    assert wrong_at("similar_elements", [(1, 2)], [[2, 1]], is_mbpp=False) == 0
    assert wrong_at("check_str", [Opaque("Match"), None], [True, None]) is None
    assert wrong_at("check_str", [Opaque("Match"), None], [None, None]) == 0
    assert wrong_at("sum_div", [4, 6], [0, 0]) is None
    assert wrong_at("sum_div", [4, 6], [4, 0]) == 1


def test_a_root_counts_where_the_polynomial_is_nearly_zero() -> None:
    given = {"is_mbpp": False, "inputs": [[[-4, 0, 1]]], "tolerance": 1e-4}
    assert wrong_at("find_zero", [2.0], [-2.0], **given) is None
    assert wrong_at("find_zero", [2.0], [1.9], **given) == 0
    assert wrong_at("find_zero", [2.0], ["2"], **given) == 0
    assert wrong_at("find_zero", [2.0], [1e200], **given) == 0


class Unequal(list[int]):
    """A list that says it is something else."""

    def __eq__(self, other: object) -> bool:
        return True

    def __iter__(self) -> Any:
        return iter([1, 2, 3])

    __hash__ = None  # type: ignore[assignment]


class Always:
    """Equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = object.__hash__

    @property
    def __class__(self) -> type:  # type: ignore[override]
        return int


@pytest.mark.parametrize(
    "value",
    [
        None, True, 0, -5, 10**30, 1.5, -0.0, float("inf"), "text", "half \ud800", b"bytes", 1 + 2j, [1, [2.0]],
        (1, (2,)), {1, 2}, frozenset({3}), {"a": 1, (1, 2): [3]}, [], (), set(), {},
    ],
)  # fmt: skip
def test_a_value_comes_out_of_the_sandbox_with_its_types(value: Any) -> None:
    wire = json.loads(json.dumps(inside.encode(value), allow_nan=False))
    assert repr(decode(wire)) == repr(value)


@pytest.mark.parametrize(
    "value", [None, True, 10**30, 1.5, float("-inf"), "text", [1], (1, (2,)), {1}, {"a": (1,)}, 2j]
)
def test_a_value_goes_into_the_sandbox_with_its_types(value: Any) -> None:
    wire = json.loads(json.dumps(encode(value), allow_nan=False))
    assert repr(inside.decode(wire)) == repr(value)


def test_what_no_data_set_holds_is_not_sent() -> None:
    with pytest.raises(TypeError, match="object"):
        encode(object())


def test_a_subclass_is_read_as_the_list_it_is_and_not_as_it_says() -> None:
    assert decode(inside.encode(Unequal([7]))) == [7]


def test_an_object_that_equals_everything_equals_nothing() -> None:
    found = decode(inside.encode(Always()))
    assert isinstance(found, Opaque)
    assert not agrees(4, found, tolerance=0.0)


def test_a_value_nested_without_end_is_cut() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert "too deeply nested" in json.dumps(inside.encode(endless))


@pytest.mark.parametrize(
    "forged",
    [
        {"tuple": 5}, {"set": [[1]]}, {"dict": [[1]]}, {"int": "x"}, {"float": "x"}, {"nothing": 1}, {"a": 1, "b": 2},
        {}, {"complex": [1]}, {"bytes": "zz"}, {"packed": "!"}, {"opaque": "X"}, {"complex": ["a", "b"]},
        {"packed": base64.b64encode(zlib.compress(b"0" * (30 * 1024**2))).decode()},
    ],
)  # fmt: skip
def test_an_answer_without_a_known_form_is_opaque(forged: Any) -> None:
    assert isinstance(decode(forged), Opaque)


def test_a_packed_answer_is_unpacked() -> None:
    packed = base64.b64encode(zlib.compress(json.dumps({"tuple": [1, 2]}).encode())).decode()
    assert decode({"packed": packed}) == (1, 2)
