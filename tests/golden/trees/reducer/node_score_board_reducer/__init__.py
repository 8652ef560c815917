"""Sums scores of players."""

from .node import NodeScoreBoardReducer

__all__ = ["NodeScoreBoardReducer"]
