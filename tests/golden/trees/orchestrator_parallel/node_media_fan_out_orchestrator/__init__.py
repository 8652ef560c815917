"""ORCHESTRATOR node called MediaFanOut that runs the steps resize, compress, and upload..."""

from .node import NodeMediaFanOutOrchestrator

__all__ = ["NodeMediaFanOutOrchestrator"]
