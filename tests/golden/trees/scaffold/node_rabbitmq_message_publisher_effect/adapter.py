"""How NodeRabbitMQMessagePublisherEffect does its work. To be written: REVIEW.md says how."""

from __future__ import annotations

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError

from .models import ModelRabbitMQMessagePublisherInput, ModelRabbitMQMessagePublisherOutput


class Adapter:
    """Works on RabbitMQ; everything around it is done."""

    async def perform(self, request: ModelRabbitMQMessagePublisherInput) -> ModelRabbitMQMessagePublisherOutput:
        """Do the work once; called again, it may find what it opened before."""
        raise ModelOnexError(
            message="operation 'publish_rabbitmq_message' is not filled in: see REVIEW.md",
            error_code=EnumCoreErrorCode.METHOD_NOT_IMPLEMENTED,
            operation="publish_rabbitmq_message",
            given=sorted(request.model_fields_set),
        )

    async def close(self) -> None:
        """Give back what `perform` has opened."""
