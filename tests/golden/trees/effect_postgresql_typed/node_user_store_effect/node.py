# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Inserts, updates, upserts, deletes and reads users in PostgreSQL with user_id (uuid),..."""

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

from .event_bus import NodeAnnouncer
from .logic import open_session, perform
from .models import ModelUserStoreConfig, ModelUserStoreInput


class NodeUserStoreEffect(NodeEffect, MixinHealthCheck):
    """Talks to the outside; what it does there is in logic.py."""

    def __init__(self, container: ModelONEXContainer, config: ModelUserStoreConfig | None = None) -> None:
        super().__init__(container)
        self.config = config
        self.open_session = open_session
        self.announcer = NodeAnnouncer()

    async def initialize(self) -> None:
        """Load the contract, then announce the node if a publisher is bound."""
        await super().initialize()
        await self.announcer.announce(self.node_id)

    async def cleanup(self) -> None:
        """Release resources and let go of the publisher."""
        self.announcer.unbind()
        await super().cleanup()

    async def process(self, input_data: ModelEffectInput) -> ModelEffectOutput:
        """Validate the operation's data, perform it and report what was done."""
        started = perf_counter()
        raw = input_data.operation_data
        try:
            request = ModelUserStoreInput.model_validate(raw if isinstance(raw, dict) else raw.model_dump())
        except ValidationError as exc:
            raise ModelOnexError(
                message="invalid input of node_user_store_effect",
                error_code=EnumCoreErrorCode.VALIDATION_ERROR,
                problems=[f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors()],
            ) from exc
        config = self.config or ModelUserStoreConfig.from_environment()
        result = await perform(request, config, open_session=self.open_session)
        return ModelEffectOutput(
            result=result.model_dump(mode="json"),
            operation_id=input_data.operation_id,
            effect_type=input_data.effect_type,
            transaction_state=EnumTransactionState.COMMITTED,
            processing_time_ms=(perf_counter() - started) * 1000,
            side_effects_applied=[f"{request.operation.value}:{request.table}"],
        )
