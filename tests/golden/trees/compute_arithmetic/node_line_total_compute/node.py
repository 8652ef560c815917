# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Multiplies the price by the quantity within 5 ms."""

from __future__ import annotations

from time import perf_counter

from omnibase_core.mixins.mixin_health_check import MixinHealthCheck
from omnibase_core.models.compute.model_compute_input import ModelComputeInput
from omnibase_core.models.compute.model_compute_output import ModelComputeOutput
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.nodes.node_compute import NodeCompute

from .event_bus import NodeAnnouncer
from .logic import multiply_price
from .models import ModelLineTotalInput, ModelLineTotalOutput


class NodeLineTotalCompute(
    NodeCompute[ModelLineTotalInput, ModelLineTotalOutput],
    MixinHealthCheck,
):
    """Pure: the same input always gives the same output; the computation itself is in logic.py."""

    def __init__(self, container: ModelONEXContainer) -> None:
        super().__init__(container)
        self.announcer = NodeAnnouncer()

    async def initialize(self) -> None:
        """Load the contract, then announce the node if a publisher is bound."""
        await super().initialize()
        await self.announcer.announce(self.node_id)

    async def cleanup(self) -> None:
        """Release resources and let go of the publisher."""
        self.announcer.unbind()
        await super().cleanup()

    async def process(
        self, input_data: ModelComputeInput[ModelLineTotalInput]
    ) -> ModelComputeOutput[ModelLineTotalOutput]:
        """Compute the result of one input."""
        started = perf_counter()
        result = multiply_price(input_data.data)
        return ModelComputeOutput(
            result=result,
            operation_id=input_data.operation_id,
            computation_type=input_data.computation_type,
            processing_time_ms=(perf_counter() - started) * 1000,
        )
