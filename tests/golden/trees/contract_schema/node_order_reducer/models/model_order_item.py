"""Item of the contract."""

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt


class ModelOrderItem(BaseModel):
    """Item of the contract."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sku: str = Field(pattern=r"^[A-Z]{2}-[0-9]{4}$")
    quantity: StrictInt = Field(ge=1, le=999)
    price: StrictFloat = Field(gt=0)
