"""Models of NodeScoreBoardReducer."""

from .model_score_board_input import ModelScoreBoardInput
from .model_score_board_output import ModelScoreBoardOutput

__all__ = [
    "ModelScoreBoardInput",
    "ModelScoreBoardOutput",
]
