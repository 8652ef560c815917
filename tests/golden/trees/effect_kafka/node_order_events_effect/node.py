# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Produces and consumes order events in the Kafka topic orders.created with order_id..."""

from __future__ import annotations

from time import perf_counter

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.enums.enum_effect_types import EnumTransactionState
from omnibase_core.errors.model_onex_error import ModelOnexError
from omnibase_core.mixins.mixin_health_check import MixinHealthCheck
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.effect.model_effect_input import ModelEffectInput
from omnibase_core.models.effect.model_effect_output import ModelEffectOutput
from omnibase_core.nodes.node_effect import NodeEffect
from pydantic import ValidationError

from .client import KafkaClient
from .event_bus import NodeAnnouncer
from .logic import ProtocolKafkaClient, perform
from .models import ModelOrderEventsConfig, ModelOrderEventsInput


class NodeOrderEventsEffect(NodeEffect, MixinHealthCheck):
    """Talks to the outside; what it does there is in logic.py."""

    def __init__(
        self,
        container: ModelONEXContainer,
        config: ModelOrderEventsConfig | None = None,
        *,
        client: ProtocolKafkaClient | None = None,
    ) -> None:
        super().__init__(container)
        self.config = config
        self.client: ProtocolKafkaClient = client or KafkaClient()
        self.announcer = NodeAnnouncer()

    async def initialize(self) -> None:
        """Load the contract, then announce the node if a publisher is bound."""
        await super().initialize()
        await self.announcer.announce(self.node_id)

    async def cleanup(self) -> None:
        """Release resources and let go of the publisher."""
        self.announcer.unbind()
        await self.client.close()
        await super().cleanup()

    async def process(self, input_data: ModelEffectInput) -> ModelEffectOutput:
        """Validate the operation's data, perform it and report what was done."""
        started = perf_counter()
        raw = input_data.operation_data
        try:
            request = ModelOrderEventsInput.model_validate(raw if isinstance(raw, dict) else raw.model_dump())
        except ValidationError as exc:
            raise ModelOnexError(
                message="invalid input of node_order_events_effect",
                error_code=EnumCoreErrorCode.VALIDATION_ERROR,
                problems=[f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors()],
            ) from exc
        config = self.config or ModelOrderEventsConfig.from_environment()
        result = await perform(request, config, client=self.client)
        return ModelEffectOutput(
            result=result.model_dump(mode="json"),
            operation_id=input_data.operation_id,
            effect_type=input_data.effect_type,
            transaction_state=EnumTransactionState.COMMITTED,
            processing_time_ms=(perf_counter() - started) * 1000,
            side_effects_applied=[f"{request.operation.value}:{request.topic}"],
        )
