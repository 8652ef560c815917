"""Create ORCHESTRATOR node for multi-step workflow coordination"""

from .node import NodeWorkflowCoordinatorOrchestrator

__all__ = ["NodeWorkflowCoordinatorOrchestrator"]
