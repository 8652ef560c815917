"""Address of the contract."""

from pydantic import BaseModel, ConfigDict, Field


class ModelAddress(BaseModel):
    """Address of the contract."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    street: str
    city: str
    country: str = Field(pattern=r"^[A-Z]{2}$")
