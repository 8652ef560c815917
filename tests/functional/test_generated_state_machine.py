"""A reducer whose request spells out states: its events move it along them, and nowhere else."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from omnibase_core.enums.enum_reducer_types import EnumReductionType
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.reducer.model_reducer_input import ModelReducerInput

from tests.support.generated_nodes import imported_node

PROMPT = (
    "REDUCER node called OrderState that keeps the order status: pending -> paid -> shipped, paid -> refunded, "
    "pending -> cancelled"
)


def reduced(folder: Path, triggers: Sequence[str], prompt: str = PROMPT) -> dict[str, Any]:
    with imported_node(folder, prompt) as node:
        items = [node.model("Input").model_validate({"trigger": trigger}) for trigger in triggers]
        request = ModelReducerInput(data=items, reduction_type=EnumReductionType.AGGREGATE)
        output = asyncio.run(node.node_class(ModelONEXContainer()).process(request))
        result: dict[str, Any] = output.result.model_dump(mode="json")
        return result


@pytest.mark.parametrize(
    ("triggers", "state", "is_final"),
    [
        ([], "pending", False),
        (["to_paid"], "paid", False),
        (["to_paid", "to_shipped"], "shipped", True),
        (["to_paid", "to_refunded"], "refunded", True),
        (["to_cancelled"], "cancelled", True),
    ],
)
def test_events_lead_to_the_state_that_the_request_says(
    tmp_path: Path, triggers: list[str], state: str, is_final: bool
) -> None:
    result = reduced(tmp_path, triggers)
    assert (result["state"], result["is_final"], result["rejected"]) == (state, is_final, [])
    assert result["history"][0] == "pending"
    assert len(result["history"]) == len(triggers) + 1


def test_an_event_that_the_state_does_not_allow_changes_nothing_and_is_reported(tmp_path: Path) -> None:
    result = reduced(tmp_path, ["to_shipped", "to_paid", "to_paid", "to_cancelled"])
    assert (result["state"], result["rejected"]) == ("paid", [0, 2, 3])


def test_an_unknown_event_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="trigger"):
        reduced(tmp_path, ["to_mars"])


def test_named_triggers_are_used(tmp_path: Path) -> None:
    prompt = "REDUCER node called Article with a state machine: from draft to published on approve"
    assert reduced(tmp_path, ["approve"], prompt)["state"] == "published"
