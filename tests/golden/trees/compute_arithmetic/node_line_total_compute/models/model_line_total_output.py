"""Result of LineTotal."""

from pydantic import BaseModel, ConfigDict


class ModelLineTotalOutput(BaseModel):
    """Result of LineTotal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    total: float
