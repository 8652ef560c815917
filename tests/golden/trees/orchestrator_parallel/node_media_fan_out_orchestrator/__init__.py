"""Runs the steps resize, compress, and upload in parallel."""

from .node import NodeMediaFanOutOrchestrator

__all__ = ["NodeMediaFanOutOrchestrator"]
