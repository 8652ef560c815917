"""One step and the names of the steps it waits for."""

from pydantic import BaseModel, ConfigDict, Field


class ModelCategoryTreeStep(BaseModel):
    """One step and the names of the steps it waits for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, description="Unique name; a handler is registered for it.")
    depends_on: list[str] = Field(default_factory=list, description="Steps that must have completed.")
    timeout_ms: int = Field(default=30000, ge=100, le=300000, description="Longest time of the step.")
