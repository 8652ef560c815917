"""Test doubles of NodeRabbitMQMessagePublisherEffect: what stands in for the outside while it is tested."""

from __future__ import annotations

from ..models import (
    ModelRabbitMQMessagePublisherConfig,
    ModelRabbitMQMessagePublisherInput,
    ModelRabbitMQMessagePublisherOutput,
)
from ..node import NodeRabbitMQMessagePublisherEffect


class WorkingAdapter:
    """Answers at once; first it fails with the faults it was given."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.requests: list[ModelRabbitMQMessagePublisherInput] = []
        self.is_closed = False

    async def perform(self, request: ModelRabbitMQMessagePublisherInput) -> ModelRabbitMQMessagePublisherOutput:
        """Record the request and answer."""
        self.requests.append(request)
        if self.faults:
            raise self.faults.pop(0)
        return ModelRabbitMQMessagePublisherOutput.model_validate({})

    async def close(self) -> None:
        """Remember that the node let go of it."""
        self.is_closed = True


def prepare(node: NodeRabbitMQMessagePublisherEffect) -> None:
    """Nothing stands between the node and its adapter."""
    node.config = ModelRabbitMQMessagePublisherConfig(deadline_s=5)
