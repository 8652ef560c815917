"""What the operation of OrderEvents did."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from ..enums import EnumOrderEventsOperation
from .model_order_events_message import ModelOrderEventsMessage


class ModelOrderEventsOutput(BaseModel):
    """What the operation of OrderEvents did."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: EnumOrderEventsOperation = Field(description="What was done.")
    topic: str = Field(description="Topic.")
    event_id: UUID | None = Field(default=None, description="Identity of the message that was written.")
    partition: int | None = Field(default=None, description="Where the message was written.")
    offset: int | None = Field(default=None, description="Its place in the partition.")
    messages: list[ModelOrderEventsMessage] = Field(default_factory=list, description="Messages of a batch.")
    count: int = Field(default=0, ge=0, description="Messages handed over, or committed.")
