"""REDUCER node called OrderState that keeps the order status: pending -> paid ->..."""

from .node import NodeOrderStateReducer

__all__ = ["NodeOrderStateReducer"]
