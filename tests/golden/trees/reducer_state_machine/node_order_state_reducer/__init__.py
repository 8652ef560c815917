"""Keeps the order status: pending -> paid -> shipped, paid -> refunded, at least 200..."""

from .node import NodeOrderStateReducer

__all__ = ["NodeOrderStateReducer"]
