"""One event of OrderState."""

from pydantic import BaseModel, ConfigDict, Field

from ..enums import EnumOrderTrigger


class ModelOrderStateInput(BaseModel):
    """One event of OrderState."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trigger: EnumOrderTrigger = Field(description="What happened.")
