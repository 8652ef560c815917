"""Multiplies the price by the quantity within 5 ms."""

from .node import NodeLineTotalCompute

__all__ = ["NodeLineTotalCompute"]
