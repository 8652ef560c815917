"""Generated REDUCERs reduce."""

import asyncio
from pathlib import Path
from typing import Any

from omnibase_core.enums.enum_reducer_types import EnumReductionType
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.reducer.model_reducer_input import ModelReducerInput

from tests.support.generated_nodes import blueprint_for, imported_node

SCORES = [{"player": "a", "score": 1.5}, {"player": "b", "score": 2}, {"player": "a", "score": 3}]


def reduce(folder: Path, prompt: str, items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    with imported_node(folder, prompt, **more) as imported:

        async def scenario() -> Any:
            node = imported.node_class(ModelONEXContainer())
            await node.initialize()
            data = [imported.model("Input").model_validate(item) for item in items]
            output = await node.process(ModelReducerInput(data=data, reduction_type=EnumReductionType.AGGREGATE))
            assert [intent.intent_type for intent in output.intents] == ["log_event"]
            return output.result.model_dump(mode="json")

        return asyncio.run(scenario())


def test_a_plain_reducer_aggregates_by_key(tmp_path: Path) -> None:
    items = [{"key": "a", "value": 1}, {"key": "b", "value": 5}, {"key": "a", "value": 3}]
    assert reduce(tmp_path, "REDUCER node for data aggregation", items) == {
        "count": 3,
        "total": 9.0,
        "average": 3.0,
        "minimum": 1.0,
        "maximum": 5.0,
        "totals": {"a": 4.0, "b": 5.0},
    }


def test_no_items_reduce_to_an_empty_state(tmp_path: Path) -> None:
    state = reduce(tmp_path, "REDUCER node for data aggregation", [])
    assert (state["count"], state["total"], state["average"], state["minimum"]) == (0, 0.0, 0.0, None)


def test_the_fields_of_the_examples_name_the_state(tmp_path: Path) -> None:
    output = {"total": 6.5, "count": 3, "unique_players": 2, "max_score": 3, "total_by_player": {"a": 4.5, "b": 2}}
    example = {"input": {"items": SCORES}, "output": output}
    prompt = "REDUCER node called ScoreReducer that sums scores of players"
    assert reduce(tmp_path, prompt, SCORES, examples=[example]) == output


def test_a_deduplicating_reducer_keeps_the_last_of_each_key(tmp_path: Path) -> None:
    items = [{"key": "a", "value": 1}, {"key": "a", "value": 2}, {"key": "b", "value": 3}]
    state = reduce(tmp_path, "REDUCER node that deduplicates events", items)
    assert state == {"items": [{"key": "a", "value": 2.0}, {"key": "b", "value": 3.0}], "count": 2}


def test_a_state_nobody_can_derive_is_left_open_and_named() -> None:
    example = {"input": {"items": SCORES}, "output": {"verdict": "good"}}
    blueprint = blueprint_for("REDUCER node called Judge that judges scores", examples=[example])
    assert blueprint.is_scaffold
    assert "verdict" in blueprint.logic.detail
