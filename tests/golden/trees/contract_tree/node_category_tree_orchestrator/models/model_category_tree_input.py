"""One run of CategoryTree."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from .model_category_tree_step import ModelCategoryTreeStep
from .model_person import ModelPerson


class ModelCategoryTreeInput(BaseModel):
    """One run of CategoryTree."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    children: list[ModelCategoryTreeInput] = Field(default_factory=list)
    owner: ModelPerson | None = None
    steps: list[ModelCategoryTreeStep] = Field(min_length=1, description="Steps to run.")
    payload: dict[str, JsonValue] = Field(default_factory=dict, description="What the workflow works on.")
