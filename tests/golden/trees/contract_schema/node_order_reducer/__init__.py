"""An order of a shop, with its address and its items."""

from .node import NodeOrderReducer

__all__ = ["NodeOrderReducer"]
