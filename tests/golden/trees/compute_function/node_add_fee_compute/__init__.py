"""Add the fee to the amount."""

from .node import NodeAddFeeCompute

__all__ = ["NodeAddFeeCompute"]
