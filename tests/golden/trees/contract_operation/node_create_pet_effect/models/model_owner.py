"""Owner of the contract."""

from pydantic import BaseModel, ConfigDict, Field


class ModelOwner(BaseModel):
    """Owner of the contract."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    phone: str | None = Field(default=None, pattern=r"^\+[0-9]+$")
