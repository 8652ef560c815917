"""Who ordered."""

from pydantic import BaseModel, ConfigDict, Field

from .model_address import ModelAddress


class ModelCustomer(BaseModel):
    """Who ordered."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str = Field(min_length=1)
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    address: ModelAddress | None = None
