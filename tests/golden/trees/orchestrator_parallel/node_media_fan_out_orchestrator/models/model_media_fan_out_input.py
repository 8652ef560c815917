"""One run of MediaFanOut."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class ModelMediaFanOutInput(BaseModel):
    """One run of MediaFanOut."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    payload: dict[str, JsonValue] = Field(default_factory=dict, description="What the workflow works on.")
