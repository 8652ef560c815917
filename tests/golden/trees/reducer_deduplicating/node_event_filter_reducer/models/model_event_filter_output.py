"""State that EventFilter reduces to."""

from pydantic import BaseModel, ConfigDict, Field

from .model_event_filter_input import ModelEventFilterInput


class ModelEventFilterOutput(BaseModel):
    """State that EventFilter reduces to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    items: list[ModelEventFilterInput] = Field(description="Distinct items; the last of each key wins.")
    count: int = Field(ge=0, description="How many are left.")
