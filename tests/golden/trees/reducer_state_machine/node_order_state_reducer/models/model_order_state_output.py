"""Where OrderState stands after its events."""

from pydantic import BaseModel, ConfigDict, Field

from ..enums import EnumOrderState


class ModelOrderStateOutput(BaseModel):
    """Where OrderState stands after its events."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: EnumOrderState = Field(description="The state after the last event.")
    history: list[EnumOrderState] = Field(description="Every state so far, the initial one first.")
    is_final: bool = Field(description="True when no event leads on.")
    rejected: list[int] = Field(default_factory=list, description="Positions of events that the state did not allow.")
