"""Strategies for the fields of a model, and which nodes carry a property test."""

import pytest

from omniclaude_dagster.artifact.property_tests import property_context
from omniclaude_dagster.artifact.rendering import render_bundle
from omniclaude_dagster.artifact.strategies import NoStrategyError, strategies_for, strategy
from omniclaude_dagster.node.blueprint import FieldSpec, Logic
from tests.support.generated_nodes import blueprint_for


@pytest.mark.parametrize(
    ("type_", "constraints", "source"),
    [
        ("int", {}, "st.integers(-1000, 1000)"),
        ("int", {"ge": 0}, "st.integers(0, 1000)"),
        ("int", {"gt": 0, "lt": 5}, "st.integers(1, 4)"),
        ("float", {"gt": -1}, "st.floats(-1, 1000, exclude_min=True)"),
        ("int | float", {}, "st.integers(-1000, 1000) | st.floats(-1000, 1000)"),
        ("str", {"min_length": 1, "max_length": 1}, "st.text(ALPHABET, min_size=1, max_size=1)"),
        ("list[bool]", {"min_length": 1}, "st.lists(st.booleans(), min_size=1, max_size=4)"),
        ("tuple[int, bool]", {}, "st.tuples(st.integers(-1000, 1000), st.booleans())"),
        ("set[bool]", {}, "st.lists(st.booleans(), unique=True, max_size=4)"),
        ("dict[int, None]", {}, "st.dictionaries(st.integers(-1000, 1000), st.none(), max_size=4)"),
    ],
)
def test_a_total_function_gets_all_its_constraints_leave(type_: str, constraints: dict[str, int], source: str) -> None:
    assert strategy(type_, is_total=True, constraints=constraints) == source


def test_another_function_gets_small_values() -> None:
    assert strategy("list[int]", is_total=False) == "st.lists(st.integers(2, 20), min_size=2, max_size=4)"


@pytest.mark.parametrize("type_", ["EnumColour", "ModelOrder", "dict[UUID, int]", "SecretStr"])
def test_an_unknown_type_has_no_strategy(type_: str) -> None:
    with pytest.raises(NoStrategyError):
        strategy(type_, is_total=True)


def test_a_constraint_that_is_not_understood_leaves_the_node_without_the_test() -> None:
    field = FieldSpec("code", "str", constraints={"pattern": "^a+$"})
    assert strategies_for([field], types={}, is_total=True) is None


def test_scaffolds_and_open_types_carry_no_property_test() -> None:
    scaffold = blueprint_for("def f(a: int) -> int: ...")
    assert property_context(scaffold) is None
    filled = scaffold.with_logic(Logic("model", "f", source="def f(a):\n    return a\n"))
    assert property_context(filled) is not None
    untyped = blueprint_for("def f(a) -> int: ...").with_logic(Logic("model", "f", source="def f(a):\n    return 1\n"))
    assert property_context(untyped) is None


def test_what_an_example_raises_is_declared() -> None:
    blueprint = blueprint_for('def f(a: int) -> int:\n    """f(0) raises KeyboardInterrupt"""\n')
    filled = blueprint.with_logic(Logic("model", "f", source="def f(a):\n    return a\n"))
    test = render_bundle(filled).files["tests/test_properties.py"].decode()
    assert 'DECLARED = ["KeyboardInterrupt"]' in test
    assert "REFUSALS" in test


def test_a_total_function_may_refuse_nothing() -> None:
    test = (
        render_bundle(blueprint_for("COMPUTE node for pricing calculation")).files["tests/test_properties.py"].decode()
    )
    assert "REFUSALS" not in test
    assert "derandomize=True, database=None" in test
