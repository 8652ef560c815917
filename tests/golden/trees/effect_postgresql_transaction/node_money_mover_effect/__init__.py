"""PostgreSQL transactions that moves money between accounts."""

from .node import NodeMoneyMoverEffect

__all__ = ["NodeMoneyMoverEffect"]
