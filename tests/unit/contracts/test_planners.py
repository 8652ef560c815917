"""From a parsed request to a blueprint: all kinds, with examples in every shape people write them."""

from typing import Any

import pytest

from omniclaude_dagster.contracts.plan.common import checked_field_name
from omniclaude_dagster.contracts.plan.planner import plan_node
from omniclaude_dagster.contracts.plan.reducer import as_items_example
from omniclaude_dagster.contracts.plan.systems.registry import client_imports
from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.request.model import AcceptedRequest, Example, GenerationRequest, NodeKind, ParsedRequest
from tests.support.generated_nodes import blueprint_for

ITEMS = [{"player": "a", "score": 1.5}, {"player": "b", "score": 2}]


def types_of(blueprint: NodeBlueprint) -> tuple[dict[str, str], dict[str, str]]:
    return (
        {f.name: f.type for f in blueprint.input_model.fields},
        {f.name: f.type for f in blueprint.output_model.fields},
    )


def compute(*examples: dict[str, Any], prompt: str = "COMPUTE node called Judge that judges") -> NodeBlueprint:
    return blueprint_for(prompt, examples=list(examples))


@pytest.mark.parametrize(("node_kind", "name"), [(None, "Writer"), (NodeKind.EFFECT, None)])
def test_a_request_that_leaves_something_open_is_refused_with_its_questions(
    node_kind: NodeKind | None, name: str | None
) -> None:
    parsed = ParsedRequest(node_kind, name, None, "d", "Does things.", questions=("Which kind is it?",))
    accepted = AcceptedRequest("r", GenerationRequest(prompt="do something"))
    with pytest.raises(RequestError, match="Which kind is it") as failure:
        plan_node(accepted, parsed)
    assert failure.value.exit_code == 2


def test_a_compute_takes_its_fields_from_the_examples() -> None:
    blueprint = compute(
        {"input": {"weight": 2, "tags": ["x"]}, "output": {"label": "light"}},
        {"input": {"weight": 30.5, "tags": [], "note": None}, "output": {"label": "heavy"}},
    )
    assert types_of(blueprint) == (
        {"weight": "float", "tags": "list[str]", "note": "str | None"},
        {"label": "str"},
    )
    assert [f.default for f in blueprint.input_model.fields] == [None, None, "None"]
    assert blueprint.sample_input == {"weight": 2, "tags": ["x"]}


def test_an_example_that_raises_gives_no_output_field() -> None:
    blueprint = compute(
        {"input": {"age": 5}, "output": {"is_adult": False}},
        {"input": {"age": -5}, "raises": "VALIDATION_ERROR"},
    )
    assert types_of(blueprint)[1] == {"is_adult": "bool"}


def test_only_raising_examples_leave_a_general_output() -> None:
    blueprint = compute({"input": {"age": -5}, "raises": "ValueError"})
    assert types_of(blueprint) == ({"age": "int"}, {"result": "JsonValue"})


def test_a_compute_without_examples_takes_the_fields_its_prompt_names() -> None:
    blueprint = blueprint_for("COMPUTE node called Labeler that labels things with weight: float and title: str")
    assert types_of(blueprint)[0] == {"weight": "float", "title": "str"}
    assert blueprint.is_scaffold
    assert "no examples" in blueprint.logic.detail


def test_a_compute_without_anything_takes_a_payload() -> None:
    blueprint = blueprint_for("COMPUTE node called Frobnicator that frobnicates")
    assert types_of(blueprint) == ({"payload": "dict[str, JsonValue]"}, {"result": "JsonValue"})


def test_an_example_without_any_input_is_blueprint_for() -> None:
    blueprint = compute({"input": {}, "output": {"answer": 42}})
    assert types_of(blueprint) == ({"payload": "dict[str, JsonValue]"}, {"answer": "int"})


@pytest.mark.parametrize(
    "shape",
    [{"items": ITEMS}, {"scores": ITEMS}, {"events": ITEMS}],
)
def test_a_reducer_s_items_may_stand_under_any_name(shape: dict[str, Any]) -> None:
    example = Example(input=shape, output={"total": 3.5})
    assert as_items_example(example).input == {"items": ITEMS}
    blueprint = blueprint_for("REDUCER node called ScoreReducer that sums scores", examples=[example.model_dump()])
    assert types_of(blueprint) == ({"player": "str", "score": "float"}, {"total": "float"})
    assert blueprint.sample_input == {"items": ITEMS}


def test_a_reducer_s_plain_values_become_items_named_by_the_singular() -> None:
    example = {"input": {"scores": [1, 2.5]}, "output": {"total": 3.5}}
    blueprint = blueprint_for("REDUCER node called ScoreReducer that sums scores", examples=[example])
    assert types_of(blueprint)[0] == {"score": "float"}
    assert blueprint.sample_input == {"items": [{"score": 1}, {"score": 2.5}]}


def test_a_reducer_s_single_row_is_one_item() -> None:
    example = {"input": {"player": "a", "score": 2}, "output": {"total": 2, "count": 1}}
    blueprint = blueprint_for("REDUCER node called ScoreReducer that sums scores", examples=[example])
    assert types_of(blueprint)[0] == {"player": "str", "score": "float"}
    assert blueprint.examples[0].input == {"items": [{"player": "a", "score": 2}]}


def test_a_reducer_s_empty_list_leaves_the_default_item() -> None:
    example = {"input": {"items": []}, "output": {"count": 0}}
    blueprint = blueprint_for("REDUCER node called Counter1 that counts events", examples=[example])
    assert types_of(blueprint)[0] == {"key": "str", "value": "float"}


@pytest.mark.parametrize(
    ("output", "expression"),
    [
        ({"total": 3.5}, "fsum(item.score for item in items)"),
        ({"count": 2}, "len(items)"),
        ({"average_score": 1.75}, "fsum(item.score for item in items) / len(items) if items else 0.0"),
        ({"unique_players": 2}, "len({item.player for item in items})"),
        ({"max_score": 2.0}, "max((item.score for item in items), default=0)"),
        ({"total_by_player": {"a": 1.5}}, "grouped_total((item.player, item.score) for item in items)"),
        ({"count_by_player": {"a": 1}}, "dict(Counter(item.player for item in items))"),
    ],
)
def test_an_output_field_s_name_says_how_it_is_reduced(output: dict[str, Any], expression: str) -> None:
    example = {"input": {"items": ITEMS}, "output": output}
    blueprint = blueprint_for("REDUCER node called ScoreReducer that reduces scores", examples=[example])
    assert expression in (blueprint.logic.source or "")


def test_an_effect_s_examples_name_its_columns() -> None:
    example = {"input": {"table": "users", "email": "a@b.example", "age": 3}, "output": {"rows_affected": 1}}
    blueprint = blueprint_for("EFFECT node called Users that inserts users into PostgreSQL", examples=[example])
    inputs, _ = types_of(blueprint)
    assert list(inputs)[:3] == ["table", "email", "age"]
    assert inputs["table"] == "str"


def test_an_effect_on_two_systems_is_left_open_and_says_why() -> None:
    blueprint = blueprint_for("EFFECT node called Sync that copies rows from PostgreSQL to Redis and Kafka")
    assert blueprint.is_scaffold
    assert blueprint.logic.detail


def test_the_clients_an_effect_needs_are_named_for_g4() -> None:
    assert client_imports(("PostgreSQL", "HTTP API", "Files")) == (
        ("psycopg", "AsyncConnection"),
        ("httpx", "AsyncClient"),
    )


def test_an_orchestrator_declares_the_steps_its_prompt_names_in_order() -> None:
    blueprint = blueprint_for(
        "ORCHESTRATOR node called OrderFlow that coordinates validation, payment, and notification steps"
    )
    assert [(s.name, s.depends_on) for s in blueprint.steps] == [
        ("validation", ()),
        ("payment", ("validation",)),
        ("notification", ("payment",)),
    ]
    assert [s.step_type for s in blueprint.steps] == ["compute", "effect", "effect"]


def test_parallel_steps_wait_for_nothing() -> None:
    blueprint = blueprint_for(
        "ORCHESTRATOR node called Fan that runs validation, payment, and notification steps in parallel"
    )
    assert {s.depends_on for s in blueprint.steps} == {()}


def test_an_orchestrator_without_steps_takes_them_from_its_caller() -> None:
    blueprint = blueprint_for("Create ORCHESTRATOR node for multi-step workflow coordination")
    assert blueprint.flavour == "dynamic"
    assert types_of(blueprint)[0]["steps"] == "list[ModelWorkflowCoordinatorStep]"


@pytest.mark.parametrize(
    "name",
    ["class", "Upper", "with space", "1st", "model_config", "model_x", "copy", "a-b", "", "é", "__x__", "_private",
     "x" * 64, "x; import os", "{{ x }}", "x\n"],
)  # fmt: skip
def test_a_field_name_that_cannot_be_one_is_refused_with_the_cure(name: str) -> None:
    with pytest.raises(RequestError, match="snake_case"):
        checked_field_name(name)
    for side in ({"input": {name: 1}, "output": {"b": 1}}, {"input": {"a": 1}, "output": {name: 1}}):
        with pytest.raises(RequestError):
            compute(side)


@pytest.mark.parametrize("operation", ["class", "open"])
def test_a_prompt_s_operation_names_the_function_and_a_keyword_or_builtin_never_does(operation: str) -> None:
    assert compute({"input": {"a": 1}, "output": {"b": 1}}).logic.function.isidentifier()
    parsed = ParsedRequest(NodeKind.COMPUTE, "Judge", "NodeJudgeCompute", "d", "Judges.", operations=(operation,))
    accepted = AcceptedRequest("r", GenerationRequest(prompt="a node that judges"))
    assert plan_node(accepted, parsed).logic.function == "compute_judge"


def test_a_state_machine_is_one_operation_whatever_the_request_s_verbs_are() -> None:
    blueprint = blueprint_for("REDUCER node called Ticket with states; open -> busy on start, busy -> closed")
    assert blueprint.logic.function == "reduce_ticket"
    assert blueprint.operations == ("advance",)


def test_a_reading_node_has_no_fields_to_write_with() -> None:
    reader = blueprint_for("EFFECT node that reads orders from PostgreSQL")
    assert [f.name for f in reader.input_model.fields] == ["table", "operation", "match", "limit"]
    assert "values" not in reader.sample_input
    writer = blueprint_for("EFFECT node that inserts orders into PostgreSQL")
    assert [f.name for f in writer.input_model.fields] == ["table", "operation", "values"]
