"""ORCHESTRATOR node called OrderFlow that coordinates validation, payment, and..."""

from .node import NodeOrderFlowOrchestrator

__all__ = ["NodeOrderFlowOrchestrator"]
