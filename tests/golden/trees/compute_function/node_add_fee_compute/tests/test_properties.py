"""What holds for every valid input of the node; Hypothesis (`pip install hypothesis`) looks for a counterexample."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from omnibase_core.models.compute.model_compute_input import ModelComputeInput
from omnibase_core.models.container.model_onex_container import ModelONEXContainer

from ..models import ModelAddFeeInput
from ..node import NodeAddFeeCompute
from .support import prepare

INPUTS = st.fixed_dictionaries(
    {
        "amount": st.floats(-1000, 1000),
        "fee": st.floats(-1000, 1000),
    }
)


def outcome(data: ModelAddFeeInput) -> str:
    async def scenario() -> str:
        node = NodeAddFeeCompute(ModelONEXContainer())
        prepare(node)
        return (await node.process(ModelComputeInput(data=data))).result.model_dump_json()

    return asyncio.run(scenario())


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(INPUTS)
def test_every_valid_input_is_answered_alike_and_left_alone(values: dict[str, object]) -> None:
    data = ModelAddFeeInput.model_validate(values)
    before = data.model_dump_json()
    assert outcome(data) == outcome(data)
    assert data.model_dump_json() == before
