"""Models of NodeOrderStateReducer."""

from .model_order_state_input import ModelOrderStateInput
from .model_order_state_output import ModelOrderStateOutput

__all__ = [
    "ModelOrderStateInput",
    "ModelOrderStateOutput",
]
