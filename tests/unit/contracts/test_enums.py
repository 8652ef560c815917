"""Enums are named by their field; members come from any value, and never two from one name."""

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniclaude_dagster.contracts.enums import EnumBook
from tests.support.schema_models import imported_models


@pytest.mark.parametrize(
    ("values", "members"),
    [
        (["active", "in-progress", "Done"], ["ACTIVE", "IN_PROGRESS", "DONE"]),
        (["", " ", "-", "+", ">="], ["EMPTY", "BLANK", "MINUS", "PLUS", "GREATER_EQUAL"]),
        (["1", "2nd", "None", "class"], ["VALUE_1", "VALUE_2ND", "NONE", "CLASS"]),
        (["a b", "a-b", "A_B"], ["A_B", "A_B_2", "A_B_3"]),
        (["été", "订单", "订"], ["ETE", "VALUE", "VALUE_2"]),
        (["GET", "inProgress", "HTTPError"], ["GET", "IN_PROGRESS", "HTTP_ERROR"]),
        ([1, -1, 0], ["VALUE_1", "MINUS_1", "VALUE_0"]),
    ],
)
def test_members_are_named_by_their_values(values: list[str] | list[int], members: list[str]) -> None:
    enum = EnumBook().enum_for(values, owner="Order", name="status", description="d")
    assert list(enum.members) == members
    assert enum.class_name == "EnumOrderStatus"
    assert enum.base == ("StrEnum" if isinstance(values[0], str) else "IntEnum")


def test_two_enums_that_begin_alike_are_told_apart_by_their_fields() -> None:
    book = EnumBook()
    status = book.enum_for(["active", "closed"], owner="Order", name="status", description="")
    mode = book.enum_for(["active", "idle"], owner="Order", name="mode", description="")
    assert [status.class_name, mode.class_name] == ["EnumOrderStatus", "EnumOrderMode"]


def test_the_same_field_with_the_same_values_shares_one_enum() -> None:
    book = EnumBook()
    one = book.enum_for(["a", "b"], owner="Order", name="status", description="")
    other = book.enum_for(["b", "a"], owner="Parcel", name="status", description="")
    third = book.enum_for(["a", "c"], owner="Order", name="status", description="")
    assert one is other
    assert third.class_name == "EnumOrderStatus2"
    assert len(book.specs) == 2


@given(st.lists(st.text(max_size=12), min_size=2, max_size=8, unique=True))
def test_any_texts_become_distinct_usable_members(values: list[str]) -> None:
    enum = EnumBook().enum_for(values, owner="", name="x", description="")
    assert len(set(enum.members)) == len(values)
    assert all(member.isidentifier() and not keyword.iskeyword(member) for member in enum.members)
    assert enum == EnumBook().enum_for(values, owner="", name="x", description="")


def test_generated_enums_hold_their_values() -> None:
    schema = {
        "properties": {"status": {"enum": ["", "a b", 'q"\\']}, "level": {"enum": [10, 20]}},
        "required": ["status", "level"],
    }
    with imported_models(schema) as models:
        assert [m.value for m in models.enum("EnumSampleStatus")] == ["", "a b", 'q"\\']
        assert [(m.name, m.value) for m in models.enum("EnumSampleLevel")] == [("VALUE_10", 10), ("VALUE_20", 20)]
        assert models.echoed({"status": 'q"\\', "level": 20}) == {"status": 'q"\\', "level": 20}
