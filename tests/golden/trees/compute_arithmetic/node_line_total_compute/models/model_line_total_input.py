"""Input of LineTotal."""

from pydantic import BaseModel, ConfigDict


class ModelLineTotalInput(BaseModel):
    """Input of LineTotal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    price: float
    quantity: int
