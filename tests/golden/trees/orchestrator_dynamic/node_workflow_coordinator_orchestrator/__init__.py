"""Multi-step workflow coordination."""

from .node import NodeWorkflowCoordinatorOrchestrator

__all__ = ["NodeWorkflowCoordinatorOrchestrator"]
