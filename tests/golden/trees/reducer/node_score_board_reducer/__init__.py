"""REDUCER node called ScoreBoard that sums scores of players"""

from .node import NodeScoreBoardReducer

__all__ = ["NodeScoreBoardReducer"]
