"""One Kafka operation of OrderEvents."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from ..enums import EnumOrderEventsOperation
from .model_order_events_payload import ModelOrderEventsPayload


class ModelOrderEventsInput(BaseModel):
    """One Kafka operation of OrderEvents."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    topic: str = Field(default="orders.created", pattern=r"^[A-Za-z0-9._-]{1,249}$", description="Topic.")
    operation: EnumOrderEventsOperation = Field(default=EnumOrderEventsOperation.PRODUCE, description="What to do.")
    payload: ModelOrderEventsPayload | None = Field(default=None, description="What the message says, sent as JSON.")
    key: str | None = Field(default=None, description="Messages of one key stay in order.")
    headers: dict[str, str] = Field(default_factory=dict, description="Headers of the message.")
    event_id: UUID | None = Field(default=None, description="By this a reader knows what it has seen; none: a new one.")
    max_messages: int = Field(default=100, ge=1, le=10000, description="Most messages of one batch.")
    wait_s: float = Field(default=5.0, gt=0, le=300, description="How long a batch may take to fill.")
