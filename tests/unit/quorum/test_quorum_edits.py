"""Edits of the typed node: what is applied, what is refused, and which are the same."""

import ast
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniclaude_dagster.artifact.rendering import render_bundle
from omniclaude_dagster.node.blueprint import FieldSpec, NodeBlueprint
from omniclaude_dagster.quorum.constraints import bound_problem, bounds_for, holds, with_bound
from omniclaude_dagster.quorum.edits import EditError, apply_edit, edit_key, takes_field_edits, takes_logic
from omniclaude_dagster.quorum.model import ProposedEdit
from tests.support.generated_nodes import blueprint_for
from tests.support.quorum_fakes import OTHER_BODY, TAX_INPUT, TAX_OUTPUT, read_as_given, tax_blueprint

TAX = tax_blueprint()


def applied(edit: ProposedEdit, *, blueprint: NodeBlueprint = TAX) -> NodeBlueprint:
    return apply_edit(blueprint, edit, read_function=read_as_given)


def bound(constraint: str, value: Any, *, field: str = "net", model: str = TAX_INPUT) -> ProposedEdit:
    return ProposedEdit("set_field_constraint", model=model, field=field, constraint=constraint, value=value)


def described(text: Any, *, field: str = "net", model: str = TAX_INPUT) -> ProposedEdit:
    return ProposedEdit("set_field_description", model=model, field=field, value=text)


def field_of(blueprint: NodeBlueprint, name: str) -> FieldSpec:
    return next(f for model in blueprint.models for f in model.fields if f.name == name)


def problem_of(edit: ProposedEdit, *, blueprint: NodeBlueprint = TAX) -> str:
    with pytest.raises(EditError) as caught:
        applied(edit, blueprint=blueprint)
    return str(caught.value)


def test_a_body_is_replaced_and_the_header_names_the_model_that_wrote_it() -> None:
    edit = ProposedEdit("replace_logic", source=OTHER_BODY, proposed_by="some-model")
    after = applied(edit)
    assert (after.logic.source, after.logic.origin, after.logic.model) == (OTHER_BODY, "model", "some-model")
    assert replace(after, logic=TAX.logic) == TAX
    logic = render_bundle(after).files["logic.py"].decode()
    assert "logic by some-model" in logic
    assert "gross=0.0" in logic


def test_what_was_promised_of_the_old_body_holds_for_the_new_one() -> None:
    assert TAX.logic.is_total
    assert applied(ProposedEdit("replace_logic", source=OTHER_BODY)).logic.is_total


def test_a_body_that_the_reader_refuses_is_no_edit() -> None:
    def refuse(source: str, blueprint: NodeBlueprint) -> str:
        raise ValueError(f"{blueprint.logic.function} is not in {source!r}")

    with pytest.raises(EditError, match="add_tax is not in 'x'"):
        apply_edit(TAX, ProposedEdit("replace_logic", source="x"), read_function=refuse)


def test_the_same_body_in_other_clothes_is_no_edit() -> None:
    same = (TAX.logic.source or "").replace("Gross amount from", "Something about") + "\n# a comment\n"
    assert "is the one there is" in problem_of(ProposedEdit("replace_logic", source=same))


def test_the_body_of_a_template_or_of_a_scaffold_is_not_replaced() -> None:
    writer = blueprint_for("EFFECT node called UserWriter that inserts users into PostgreSQL with email (string)")
    scaffold = blueprint_for("COMPUTE node called Frobnicate that frobnicates the text in a very special manner")
    for blueprint in (writer, scaffold):
        assert not takes_logic(blueprint)
        edit = ProposedEdit("replace_logic", source=OTHER_BODY)
        assert "no body of its own" in problem_of(edit, blueprint=blueprint)


def test_a_description_becomes_one_clean_line_of_the_model() -> None:
    after = applied(described('  Net\n amount\x00, "quoted" \u202e\\ '))
    assert field_of(after, "net").description == 'Net amount , "quoted" \\'
    source = render_bundle(after).files["models/model_tax_adder_input.py"].decode()
    (told,) = [
        keyword.value
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "description" and "Net" in ast.unparse(keyword.value)
    ]
    assert ast.literal_eval(told) == 'Net amount , "quoted" \\'


@pytest.mark.parametrize("text", ["", " \n\x00", "x" * 301, 3, None])
def test_a_description_that_says_nothing_or_too_much_is_refused(text: Any) -> None:
    assert "1 to 300" in problem_of(described(text))


def test_an_edit_that_changes_nothing_is_refused() -> None:
    assert "is the one there is" in problem_of(described(field_of(TAX, "net").description))
    assert "not tighter" in problem_of(bound("ge", 0, field="rate"))


@pytest.mark.parametrize(
    ("model", "field"), [("ModelOther", "net"), (TAX_INPUT, "gross"), (TAX_INPUT, ""), ("", "net")]
)
def test_an_unknown_field_is_refused(model: str, field: str) -> None:
    assert "no field" in problem_of(described("x", model=model, field=field))
    assert "no field" in problem_of(bound("ge", 0, model=model, field=field))


def test_a_bound_is_set_and_rendered_and_takes_the_place_of_the_one_on_its_side() -> None:
    after = applied(bound("gt", 0.25, field="rate"))
    assert field_of(after, "rate").constraints == {"gt": 0.25}
    both = applied(bound("le", 1, field="rate"), blueprint=after)
    assert field_of(both, "rate").constraints == {"gt": 0.25, "le": 1}
    assert "gt=0.25, le=1" in render_bundle(both).files["models/model_tax_adder_input.py"].decode()


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (bound("gt", 10.0), "gt 10.0 would reject the sample input"),
        (bound("le", 9.5), "would reject"),
        (bound("lt", 0.5, field="rate"), "would reject"),
        (bound("ge", 15.5, field="gross", model=TAX_OUTPUT), "would reject the output of example 1"),
        (bound("ge", -1, field="rate"), "ge -1 is not tighter than ge 0"),
        (bound("lt", 0, field="rate"), "leave no value"),
        (bound("min_length", 1), "takes no min_length"),
        (bound("pattern", 1), "takes no pattern"),
        (bound("multiple_of", 2), "takes no multiple_of"),
        (bound("ge", "0"), "no number"),
        (bound("ge", True), "no number"),
        (bound("ge", None), "no number"),
        (bound("ge", float("nan")), "not finite"),
        (bound("ge", float("-inf")), "not finite"),
        (bound("ge", -(10**400)), "not finite, or too large"),
    ],
)
def test_a_bound_that_does_not_fit_is_refused(edit: ProposedEdit, problem: str) -> None:
    assert problem in problem_of(edit)


def test_a_bound_that_everything_shown_respects_is_taken() -> None:
    assert field_of(applied(bound("ge", 10)), "net").constraints == {"ge": 10}
    assert field_of(applied(bound("le", 15.0, field="gross", model=TAX_OUTPUT)), "gross").constraints == {"le": 15.0}


def test_the_input_of_an_example_that_must_raise_may_be_rejected() -> None:
    examples = [
        {"input": {"net": 10.0, "rate": 0.5}, "output": {"gross": 15.0}},
        {"input": {"net": -10.0, "rate": 0.5}, "raises": "ValidationError"},
    ]
    after = applied(bound("ge", 0), blueprint=tax_blueprint(examples=examples))
    assert field_of(after, "net").constraints == {"ge": 0}


def test_the_items_of_a_reducer_are_looked_at() -> None:
    average = blueprint_for(
        "REDUCER node called Average that averages the values of measurements",
        examples=[{"input": {"items": [{"value": 1.0}, {"value": 3.0}]}, "output": {"mean": 2.0}}],
    )
    model = average.input_model.class_name
    assert "would reject" in problem_of(bound("ge", 2, field="value", model=model), blueprint=average)
    assert applied(bound("ge", 1, field="value", model=model), blueprint=average)


def test_values_deep_inside_and_under_another_name_are_looked_at() -> None:
    point = replace(TAX.input_model, class_name="ModelPoint", fields=(FieldSpec("x", "int", alias="X"),))
    fields = (*TAX.input_model.fields, FieldSpec("points", "dict[str, list[ModelPoint]] | None"))
    nested = replace(
        TAX,
        input_model=replace(TAX.input_model, fields=fields),
        extra_models=(point,),
        sample_input={**TAX.sample_input, "points": {"a": [{"X": 3}, {"X": 7}]}},
    )
    assert "would reject the sample" in problem_of(bound("le", 6, field="x", model="ModelPoint"), blueprint=nested)
    after = applied(bound("le", 7.0, field="x", model="ModelPoint"), blueprint=nested)
    assert after.extra_models[0].fields[0].constraints == {"le": 7}


def test_a_default_must_respect_the_bound() -> None:
    field = replace(TAX.input_model.fields[0], default="5.0")
    with_default = replace(
        TAX, input_model=replace(TAX.input_model, fields=(field, *TAX.input_model.fields[1:])), sample_input={}
    )
    edit = bound("ge", 6)
    assert "its own default" in problem_of(edit, blueprint=replace(with_default, examples=()))


def test_the_fields_of_a_contract_that_a_person_gave_stay_as_they_are() -> None:
    given_one = replace(TAX, given_contract={"name": "x"})
    assert not takes_field_edits(given_one)
    for edit in (described("x"), bound("ge", 0)):
        assert "a person gave" in problem_of(edit, blueprint=given_one)
    assert applied(ProposedEdit("replace_logic", source=OTHER_BODY), blueprint=given_one)


@pytest.mark.parametrize(
    ("type_", "bounds"),
    [
        ("int", ("ge", "gt", "le", "lt")),
        ("int | float", ("ge", "gt", "le", "lt")),
        ("StrictInt | None", ("ge", "gt", "le", "lt")),
        ("Decimal", ("ge", "gt", "le", "lt")),
        ("str", ("min_length", "max_length")),
        ("list[int] | None", ("min_length", "max_length")),
        ("dict[str, int]", ()),
        ("bool", ()),
        ("datetime", ()),
        ("str | int", ()),
        ("EnumColour", ()),
        ("None", ()),
        ("Annotated[int, Field(ge=0)]", ()),
    ],
)
def test_only_numbers_texts_and_lists_take_bounds(type_: str, bounds: tuple[str, ...]) -> None:
    assert bounds_for(FieldSpec("f", type_)) == bounds


@pytest.mark.parametrize(
    ("type_", "constraints", "name", "value", "problem"),
    [
        ("int", {}, "ge", 0.5, "whole numbers"),
        ("int", {"gt": 3}, "lt", 4, "leave no value"),
        ("int", {"gt": 3}, "lt", 5, None),
        ("int", {"ge": 3}, "le", 3, None),
        ("float", {"gt": 3}, "lt", 4, None),
        ("float", {"gt": 3}, "le", 3, "leave no value"),
        ("float", {"ge": 3}, "gt", 3, None),
        ("float", {"gt": 3}, "ge", 3, "not tighter"),
        ("float", {"le": 3}, "lt", 4, "not tighter"),
        ("str", {"pattern": "^a$"}, "max_length", 5, None),
        ("str", {"min_length": 6}, "max_length", 5, "leave no value"),
        ("str", {}, "min_length", 0, "from 1 to"),
        ("str", {}, "min_length", 1.5, "whole number"),
        ("str", {}, "max_length", 2_000_000, "from 1 to"),
    ],
)
def test_bounds_tighten_and_leave_values(
    type_: str, constraints: dict[str, Any], name: str, value: float, problem: str | None
) -> None:
    found = bound_problem(FieldSpec("f", type_, constraints=constraints), name, value)
    assert found is None if problem is None else problem in (found or "")


def test_a_whole_field_keeps_whole_bounds_and_its_pattern_stays() -> None:
    whole = with_bound(FieldSpec("f", "int"), "ge", 3.0)
    assert (whole, type(whole["ge"])) == ({"ge": 3}, int)
    text = FieldSpec("f", "str", constraints={"pattern": "^a", "min_length": 1})
    assert with_bound(text, "min_length", 2) == {"pattern": "^a", "min_length": 2}


@pytest.mark.parametrize(
    ("name", "value", "is_held"),
    [
        ("ge", 3, True),
        ("ge", 2, False),
        ("ge", None, True),
        ("ge", True, True),
        ("ge", "2.5", False),
        ("ge", "text", True),
        ("min_length", "ab", False),
        ("min_length", [1, 2, 3], True),
        ("min_length", 1, True),
    ],
)
def test_only_what_can_be_compared_can_break_a_bound(name: str, value: object, is_held: bool) -> None:
    assert holds(name, 3, value) is is_held


def test_equal_proposals_have_equal_keys() -> None:
    assert edit_key(ProposedEdit("replace_logic", source=OTHER_BODY, reason="a")) == edit_key(
        ProposedEdit("replace_logic", source=f"# talk\n\n{OTHER_BODY}".replace("0.0)", "0.0)  # zero"), proposed_by="m")
    )
    assert edit_key(bound("ge", 1)) == edit_key(bound("ge", 1.0))
    assert edit_key(described("A  b")) == edit_key(described(" A b"))


def test_different_proposals_have_different_keys() -> None:
    edits = [
        ProposedEdit("replace_logic", source=OTHER_BODY),
        ProposedEdit("replace_logic", source=OTHER_BODY.replace("0.0", "1.0")),
        ProposedEdit("replace_logic", source="not python ("),
        bound("ge", 1),
        bound("gt", 1),
        bound("ge", 2),
        bound("ge", 1, field="rate"),
        bound("ge", 1, model=TAX_OUTPUT),
        bound("ge", 10**400),
        described("1"),
        described("2"),
    ]
    assert len({edit_key(edit) for edit in edits}) == len(edits)


@given(
    st.builds(
        ProposedEdit,
        kind=st.sampled_from(["replace_logic", "set_field_description", "set_field_constraint"]),
        source=st.text(max_size=30),
        model=st.sampled_from([TAX_INPUT, TAX_OUTPUT, "x"]),
        field=st.sampled_from(["net", "rate", "gross", ""]),
        constraint=st.sampled_from(["ge", "gt", "le", "lt", "min_length", "max_length", "pattern", ""]),
        value=st.none() | st.text(max_size=20) | st.floats() | st.integers(),
    )
)
def test_any_edit_is_applied_or_refused_and_nothing_else(edit: ProposedEdit) -> None:
    assert edit_key(edit) == edit_key(edit)
    try:
        after = applied(edit)
    except EditError:
        return
    assert after != TAX
    for model in after.models:
        for field in model.fields:
            shown = TAX.sample_input.get(field.name)
            bounds = [(n, v) for n, v in field.constraints.items() if not isinstance(v, str)]
            assert all(holds(name, value, shown) for name, value in bounds)
