"""Models of NodeAddFeeCompute."""

from .model_add_fee_input import ModelAddFeeInput
from .model_add_fee_output import ModelAddFeeOutput

__all__ = [
    "ModelAddFeeInput",
    "ModelAddFeeOutput",
]
