"""State that Order reduces to."""

from pydantic import BaseModel, ConfigDict, Field


class ModelOrderOutput(BaseModel):
    """State that Order reduces to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: int = Field(ge=0, description="How many items were reduced.")
    counts: dict[str, int] = Field(default_factory=dict, description="Items for each order_id.")
