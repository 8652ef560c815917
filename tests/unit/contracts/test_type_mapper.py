"""Types from words, names and example values, and samples that each type accepts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, TypeAdapter

from omniclaude_dagster.contracts.type_mapper import (
    has_fraction,
    sample_for,
    type_from_name,
    type_from_values,
    type_from_word,
    type_singular,
)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("string", "str"),
        ("  TEXT ", "str"),
        ("integers", "int"),
        ("bigint", "int"),
        ("decimal", "float"),
        ("boolean", "bool"),
        ("UUID", "UUID"),
        ("guid", "UUID"),
        ("timestamptz", "datetime"),
        ("date", "date"),
        ("jsonb", "dict[str, JsonValue]"),
        ("array", "list[JsonValue]"),
        ("string/date-time", "datetime"),
        ("list of integers", "list[int]"),
        ("list[str]", "list[str]"),
        ("array<number>", "list[float]"),
        ("list of list of ints", "list[list[int]]"),
        ("optional[int]", "int | None"),
        ("str | none", "str | None"),
        ("int?", "int | None"),
    ],
)
def test_a_word_becomes_a_type(word: str, expected: str) -> None:
    assert type_from_word(word, name="x") == expected


def test_an_unknown_word_is_decided_by_the_name() -> None:
    assert type_from_word("flurb", name="is_active") == "bool"
    assert type_from_word(None, name="total_price") == "float"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("user_id", "UUID"),
        ("row_id", "str"),
        ("is_paid", "bool"),
        ("has_items", "bool"),
        ("item_count", "int"),
        ("created_at", "datetime"),
        ("unit_price", "float"),
        ("title", "str"),
    ],
)
def test_a_name_alone_gives_a_guess(name: str, expected: str) -> None:
    assert type_from_name(name) == expected


@pytest.mark.parametrize(
    ("values", "name", "expected"),
    [
        ([1, 2], "n", "int"),
        ([1, 2.5], "n", "float"),
        ([1], "price", "float"),
        ([True, False], "flag", "bool"),
        ([True, 1], "x", "JsonValue"),
        (["a"], "x", "str"),
        (["a", 1], "x", "JsonValue"),
        ([None, "a"], "x", "str | None"),
        ([None], "title", "str | None"),
        ([None, "a", 1], "x", "JsonValue"),
        ([[1], [2, 3]], "ns", "list[int]"),
        ([[1], [2.5]], "ns", "list[float]"),
        ([[]], "ns", "list[JsonValue]"),
        ([[None, 1]], "ns", "list[int | None]"),
        ([[["a"]]], "rows", "list[list[str]]"),
        ([{"a": 1}], "x", "dict[str, int]"),
        ([{"a": 1, "b": 2.5}], "x", "dict[str, float]"),
        ([{"a": 1, "b": "c"}], "x", "dict[str, JsonValue]"),
        ([{"a": [1]}], "x", "dict[str, JsonValue]"),
        ([{}], "x", "dict[str, JsonValue]"),
        ([[{"a": 1}]], "rows", "list[dict[str, int]]"),
    ],
)
def test_values_give_the_narrowest_type_that_holds_them(values: list[Any], name: str, expected: str) -> None:
    assert type_from_values(values, name=name) == expected


def test_a_fraction_beside_makes_a_whole_number_fractional() -> None:
    assert type_from_values([3], name="n", has_fraction_beside=True) == "float"
    assert has_fraction({"a": [1, {"b": 0.5}]})
    assert not has_fraction({"a": [1, "0.5", True, None]})


@pytest.mark.parametrize(("word", "one"), [("entries", "entry"), ("scores", "score"), ("class", "class"), ("is", "is")])
def test_a_plural_becomes_its_singular(word: str, one: str) -> None:
    assert type_singular(word) == one


NAMESPACE = {"JsonValue": JsonValue}
JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**9), 10**9),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(values=st.lists(JSON, min_size=1, max_size=4), name=st.sampled_from(["x", "price", "items", "is_ok", "created"]))
def test_the_type_of_example_values_accepts_every_one_of_them(values: list[Any], name: str) -> None:
    source = type_from_values(values, name=name)
    assert "Any" not in source
    adapter: TypeAdapter[Any] = TypeAdapter(eval(source, NAMESPACE))
    for value in values:
        assert adapter.validate_python(value) == value
    adapter.validate_python(sample_for(source))


@pytest.mark.parametrize(
    "source",
    ["str", "int", "float", "bool", "UUID", "datetime", "date", "JsonValue", "list[int]", "dict[str, JsonValue]",
     "list[dict[str, float]]", "int | None", "tuple[str, ...]"],
)  # fmt: skip
def test_every_type_has_a_sample_that_it_accepts(source: str) -> None:
    from datetime import date, datetime
    from uuid import UUID

    known = {**NAMESPACE, "UUID": UUID, "datetime": datetime, "date": date}
    TypeAdapter(eval(source, known)).validate_python(sample_for(source))
