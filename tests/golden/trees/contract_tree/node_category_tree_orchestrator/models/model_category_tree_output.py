"""What a run of CategoryTree did."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class ModelCategoryTreeOutput(BaseModel):
    """What a run of CategoryTree did."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: str = Field(description="completed or failed.")
    completed_steps: list[str] = Field(default_factory=list, description="Steps that completed, in that order.")
    failed_steps: list[str] = Field(default_factory=list, description="Steps that failed.")
    skipped_steps: list[str] = Field(default_factory=list, description="Steps that waited for a failed one.")
    outputs: dict[str, dict[str, JsonValue]] = Field(default_factory=dict, description="Result of each completed step.")
