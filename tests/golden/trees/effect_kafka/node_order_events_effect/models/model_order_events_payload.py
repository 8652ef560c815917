"""What a message of OrderEvents says."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict


class ModelOrderEventsPayload(BaseModel):
    """What a message of OrderEvents says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    order_id: UUID
    amount: float
