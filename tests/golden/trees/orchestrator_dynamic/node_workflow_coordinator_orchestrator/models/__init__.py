"""Models of NodeWorkflowCoordinatorOrchestrator."""

from .model_workflow_coordinator_input import ModelWorkflowCoordinatorInput
from .model_workflow_coordinator_output import ModelWorkflowCoordinatorOutput
from .model_workflow_coordinator_step import ModelWorkflowCoordinatorStep

__all__ = [
    "ModelWorkflowCoordinatorInput",
    "ModelWorkflowCoordinatorOutput",
    "ModelWorkflowCoordinatorStep",
]
