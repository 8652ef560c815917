"""A function that the request spells out becomes the blueprint of a node around it."""

from typing import Any

import pytest

from omniclaude_dagster.node.blueprint import NodeBlueprint, SignatureSpec
from tests.support.generated_nodes import blueprint_for


def planned(prompt: str, **more: Any) -> tuple[NodeBlueprint, SignatureSpec]:
    blueprint = blueprint_for(prompt, **more)
    assert blueprint.signature is not None
    return blueprint, blueprint.signature


def test_parameters_become_fields_and_the_result_a_field() -> None:
    blueprint, signature = planned('def near(xs: list[float], limit: float = 0.5) -> bool:\n    """Any two close?"""\n')
    assert [(f.name, f.type, f.default) for f in blueprint.input_model.fields] == [
        ("xs", "list[int | float]", None),
        ("limit", "int | float", "0.5"),
    ]
    assert [(f.name, f.type) for f in blueprint.output_model.fields] == [("result", "bool")]
    assert signature.parameters == ("xs", "limit")
    assert signature.annotations == ("list[float]", "float")
    assert signature.returns == "bool"
    assert signature.docstring == "Any two close?"
    assert blueprint.is_scaffold
    assert blueprint.logic.function == "near"
    assert blueprint.operations == ("near",)


def test_a_name_that_no_field_can_have_is_its_alias() -> None:
    blueprint, signature = planned("def f(dict: dict, N: int, model_x: str, n: int, type: int) -> int: ...")
    assert [(f.name, f.alias) for f in blueprint.input_model.fields] == [
        ("dict_", "dict"),
        ("n_", "N"),
        ("p_model_x", "model_x"),
        ("n", None),
        ("type", None),
    ]
    assert signature.parameters == ("dict_", "n_", "p_model_x", "n", "type")
    assert set(blueprint.sample_input) == {"dict", "N", "model_x", "n", "type"}


@pytest.mark.parametrize(
    ("default", "type_", "source"),
    [
        ("3", "int", "3"),
        ("None", "int | None", "None"),
        ("(1, 2)", "int", "(1, 2)"),
        ("[]", "int", "list"),
        ("[1]", "int", "lambda: [1]"),
        ("{1}", "int", "lambda: {1}"),
        ("compute()", "int", None),
    ],
)
def test_defaults_are_kept_and_mutable_ones_made_anew(default: str, type_: str, source: str | None) -> None:
    blueprint, _ = planned(f"def f(a: int = {default}) -> int: ...")
    assert [(f.type, f.default) for f in blueprint.input_model.fields] == [(type_, source)]


def test_a_type_nobody_knows_is_any_json_value() -> None:
    blueprint, _ = planned("def f(a: Order, b) -> Callable: ...")
    assert [f.type for f in (*blueprint.input_model.fields, *blueprint.output_model.fields)] == ["JsonValue"] * 3


def test_shown_calls_make_wide_fields_and_a_narrow_function() -> None:
    blueprint, signature = planned("COMPUTE node called Top for the top; top([3, 1], 2) returns [3, 1]")
    assert [f.type for f in blueprint.input_model.fields] == ["list[JsonValue]", "int | float"]
    assert signature.annotations == ("list[int]", "int")
    assert blueprint.sample_input == {"a": [3, 1], "b": 2}


def test_a_set_is_a_list_in_the_output() -> None:
    blueprint, signature = planned("def f(a: list[int]) -> set[int]: ...")
    assert blueprint.output_model.fields[0].type == "list[int]"
    assert signature.returns == "set[int]"


def test_arithmetic_that_words_and_examples_name_is_filled_in() -> None:
    blueprint, signature = planned("a COMPUTE node that adds two numbers; add(2,3) returns 5")
    assert blueprint.logic.origin == "template"
    assert blueprint.logic.is_total
    assert "return a + b" in str(blueprint.logic.source)
    assert signature.docstring == "Adds two numbers.\n\n>>> add(2, 3)\n5"
    divided = blueprint_for("COMPUTE node that divides a by b; div(6, 3) returns 2")
    assert not divided.logic.is_total
    assert divided.signature is not None
    assert ">>> div(6, 3)\n2.0" in divided.signature.docstring


def test_arithmetic_that_the_examples_contradict_stays_open() -> None:
    assert blueprint_for("a COMPUTE node that adds two numbers; add(2,3) returns 6").is_scaffold


def test_given_examples_that_do_not_fit_win_over_the_function() -> None:
    example = {"input": {"weight": 2.0}, "output": {"shipping": 5.0}}
    blueprint = blueprint_for("COMPUTE node called Post: def cost(kg: float) -> float", examples=[example])
    assert blueprint.signature is None
    assert [f.name for f in blueprint.input_model.fields] == ["weight"]
    assert len(blueprint.examples) == 1


def test_given_examples_that_fit_are_added() -> None:
    example = {"input": {"kg": 2.0}, "output": {"result": 5.0}}
    blueprint, _ = planned("COMPUTE node: def cost(kg: float) -> float", examples=[example])
    assert blueprint.sample_input == {"kg": 2.0}


def test_long_lines_of_a_docstring_are_wrapped_and_doctests_are_not() -> None:
    words = "word " * 60
    _, signature = planned(f'def f(a: str) -> int:\n    """{words}\n\n    >>> f("{"x" * 120}")\n    1\n    """\n')
    lines = signature.docstring.splitlines()
    assert max(len(line) for line in lines if not line.startswith(">>>")) <= 100
    assert any(len(line) > 120 for line in lines if line.startswith(">>>"))
