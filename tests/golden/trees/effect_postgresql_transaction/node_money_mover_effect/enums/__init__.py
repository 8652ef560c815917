"""Enumerations of NodeMoneyMoverEffect."""

from .enum_money_mover_operation import EnumMoneyMoverOperation
from .enum_money_mover_step_operation import EnumMoneyMoverStepOperation

__all__ = [
    "EnumMoneyMoverOperation",
    "EnumMoneyMoverStepOperation",
]
