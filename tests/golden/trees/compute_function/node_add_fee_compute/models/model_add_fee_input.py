"""Parameters of add_fee."""

from pydantic import BaseModel, ConfigDict


class ModelAddFeeInput(BaseModel):
    """Parameters of add_fee."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount: int | float
    fee: int | float = 0.0
