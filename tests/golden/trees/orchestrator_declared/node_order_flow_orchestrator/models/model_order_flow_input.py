"""One run of OrderFlow."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class ModelOrderFlowInput(BaseModel):
    """One run of OrderFlow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    payload: dict[str, JsonValue] = Field(default_factory=dict, description="What the workflow works on.")
