"""One run of WorkflowCoordinator."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from .model_workflow_coordinator_step import ModelWorkflowCoordinatorStep


class ModelWorkflowCoordinatorInput(BaseModel):
    """One run of WorkflowCoordinator."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: list[ModelWorkflowCoordinatorStep] = Field(min_length=1, description="Steps to run.")
    payload: dict[str, JsonValue] = Field(default_factory=dict, description="What the workflow works on.")
