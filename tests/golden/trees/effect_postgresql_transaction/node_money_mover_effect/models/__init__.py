"""Models of NodeMoneyMoverEffect."""

from .model_money_mover_config import ModelMoneyMoverConfig
from .model_money_mover_input import ModelMoneyMoverInput
from .model_money_mover_output import ModelMoneyMoverOutput
from .model_money_mover_step import ModelMoneyMoverStep

__all__ = [
    "ModelMoneyMoverConfig",
    "ModelMoneyMoverInput",
    "ModelMoneyMoverOutput",
    "ModelMoneyMoverStep",
]
