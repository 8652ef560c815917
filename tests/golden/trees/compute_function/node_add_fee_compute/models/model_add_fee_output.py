"""Result of add_fee."""

from pydantic import BaseModel, ConfigDict


class ModelAddFeeOutput(BaseModel):
    """Result of add_fee."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    result: int | float
