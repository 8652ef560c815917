"""Annotations become precise field types by an allow-list; what is not on it is refused, nothing is evaluated."""

import pytest
from pydantic import JsonValue, TypeAdapter

from omniclaude_dagster.contracts.annotations import AnnotationError, field_type, function_type
from omniclaude_dagster.contracts.shown_types import widened


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("int", "int"),
        ("float", "int | float"),
        ("List[float]", "list[int | float]"),
        ("typing.List[str]", "list[str]"),
        ("'list[int]'", "list[int]"),
        ("Tuple[int, str]", "tuple[int, str]"),
        ("tuple[int, ...]", "tuple[int, ...]"),
        ("Tuple[()]", "tuple[()]"),
        ("tuple", "tuple[JsonValue, ...]"),
        ("Dict[str, List[int]]", "dict[str, list[int]]"),
        ("dict[int, str]", "dict[int, str]"),
        ("Dict[Tuple[int, int], str]", "dict[str, str]"),
        ("dict", "dict[str, JsonValue]"),
        ("Set[int]", "set[int]"),
        ("set[Any]", "set[str | int | float | bool | None]"),
        ("FrozenSet[str]", "frozenset[str]"),
        ("Optional[int]", "int | None"),
        ("None | str", "str | None"),
        ("Union[int, str, int]", "int | str"),
        ("Union[int, float]", "int | float"),
        ("str | float", "int | float | str"),
        ("int | Any", "JsonValue"),
        ("Any", "JsonValue"),
        ("List[Any]", "list[JsonValue]"),
        ("Iterable[bool]", "list[bool]"),
        ("datetime.date", "date"),
        ("UUID", "UUID"),
        ("Decimal", "Decimal"),
        ("bytes", "bytes"),
        ("Annotated[int, 3]", "int"),
    ],
)
def test_an_annotation_becomes_a_precise_type(annotation: str, expected: str) -> None:
    assert field_type(annotation) == expected
    assert "Any" not in expected


@pytest.mark.parametrize(
    "annotation",
    [
        "Callable[[int], int]",
        "Order",
        "list[",
        "list[int, str]",
        "dict[str]",
        "__import__('os').system('true')",
        "lambda: 1",
        "3",
        "tuple[...]",
        "[" * 300 + "]" * 300,
        "list[" * 40 + "int" + "]" * 40,
    ],
)
def test_what_is_not_on_the_list_is_refused_with_a_cure(annotation: str) -> None:
    with pytest.raises(AnnotationError) as refused:
        field_type(annotation)
    assert refused.value.cure


@pytest.mark.parametrize(
    ("annotation", "value", "given"),
    [
        ("float", 3, 3),
        ("float", 3.5, 3.5),
        ("Tuple[int, ...]", [1, 2], (1, 2)),
        ("List[Tuple[str, int]]", [["a", 1]], [("a", 1)]),
        ("Set[int]", [1, 1], {1}),
        ("Dict[int, str]", {"1": "a"}, {1: "a"}),
        ("Union[int, str]", "1", "1"),
        ("List[Any]", [1, True, 2.0, "a"], [1, True, 2.0, "a"]),
        ("Union[bool, int]", True, True),
    ],
)
def test_a_json_value_reaches_the_function_with_the_type_the_signature_says(
    annotation: str, value: object, given: object
) -> None:
    read = TypeAdapter(eval(field_type(annotation), {"JsonValue": JsonValue})).validate_python(value)
    assert read == given
    assert repr(read) == repr(given), "1, 1.0 and True are equal, but not the same"


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("int", "int | float"),
        ("str", "str"),
        ("bool", "bool"),
        ("int | float | None", "int | float | None"),
        ("list[int]", "list[JsonValue]"),
        ("tuple[int, ...]", "tuple[JsonValue, ...]"),
        ("list[tuple[str, int]]", "list[tuple[JsonValue, ...]]"),
        ("dict[str, int]", "dict[str, JsonValue]"),
        ("dict[int, str]", "dict[int, JsonValue]"),
        ("set[int]", "set[str | int | float | bool | None]"),
        ("tuple[int | tuple[int, ...], ...]", "tuple[str | int | float | bool | None | tuple[JsonValue, ...], ...]"),
    ],
)
def test_a_type_that_was_only_shown_is_widened(narrow: str, wide: str) -> None:
    assert widened(narrow) == wide
    TypeAdapter(eval(wide, {"JsonValue": JsonValue}))


def test_a_function_says_float_where_its_field_says_both() -> None:
    assert function_type("list[int | float]") == "list[float]"
