"""A message that OrderEvents has read."""

from pydantic import BaseModel, ConfigDict, Field

from .model_order_events_payload import ModelOrderEventsPayload


class ModelOrderEventsMessage(BaseModel):
    """A message that OrderEvents has read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    partition: int = Field(description="Partition it was read from.")
    offset: int = Field(description="Its place in the partition.")
    key: str | None = Field(default=None, description="Its key.")
    event_id: str | None = Field(default=None, description="Identity given by its writer.")
    headers: dict[str, str] = Field(default_factory=dict, description="Its headers.")
    payload: ModelOrderEventsPayload | None = Field(default=None, description="What it says.")
    problem: str | None = Field(default=None, description="Why the payload could not be read.")
    text: str | None = Field(default=None, description="What stands in a message that could not be read.")
