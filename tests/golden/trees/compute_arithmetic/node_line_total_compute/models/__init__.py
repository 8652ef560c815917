"""Models of NodeLineTotalCompute."""

from .model_line_total_input import ModelLineTotalInput
from .model_line_total_output import ModelLineTotalOutput

__all__ = [
    "ModelLineTotalInput",
    "ModelLineTotalOutput",
]
