# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Keeps the order status: pending -> paid -> shipped, paid -> refunded, at least 200..."""

from __future__ import annotations

from time import perf_counter

from omnibase_core.mixins.mixin_health_check import MixinHealthCheck
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.projectors.model_projection_intent import ModelProjectionIntent
from omnibase_core.models.reducer.model_intent import ModelIntent
from omnibase_core.models.reducer.model_reducer_input import ModelReducerInput
from omnibase_core.models.reducer.model_reducer_output import ModelReducerOutput
from omnibase_core.models.reducer.payloads.model_payload_log_event import ModelPayloadLogEvent
from omnibase_core.nodes.node_reducer import NodeReducer

from .event_bus import NodeAnnouncer
from .logic import reduce_order_state
from .models import ModelOrderStateInput, ModelOrderStateOutput


class NodeOrderStateReducer(
    NodeReducer[ModelOrderStateInput, ModelOrderStateOutput],
    MixinHealthCheck,
):
    """Reduces items to one state; side effects leave as intents, the reduction itself is in logic.py."""

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
        self,
        input_data: ModelReducerInput[ModelOrderStateInput],
        projection_intents: tuple[ModelProjectionIntent, ...] = (),
    ) -> ModelReducerOutput[ModelOrderStateOutput]:
        """Reduce one batch of items."""
        started = perf_counter()
        result = reduce_order_state(input_data.data)
        intent = ModelIntent(
            intent_type="log_event",
            target="logging_service",
            payload=ModelPayloadLogEvent(
                level="INFO",
                message=f"order_state: reduced {len(input_data.data)} items",
                context={},
            ),
        )
        return ModelReducerOutput(
            result=result,
            operation_id=input_data.operation_id,
            reduction_type=input_data.reduction_type,
            processing_time_ms=(perf_counter() - started) * 1000,
            items_processed=len(input_data.data),
            intents=(intent,),
        )
