"""Coordinates validation, payment, and notification steps."""

from .node import NodeOrderFlowOrchestrator

__all__ = ["NodeOrderFlowOrchestrator"]
