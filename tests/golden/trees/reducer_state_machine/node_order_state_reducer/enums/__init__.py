"""Enumerations of NodeOrderStateReducer."""

from .enum_order_state import EnumOrderState
from .enum_order_trigger import EnumOrderTrigger

__all__ = [
    "EnumOrderState",
    "EnumOrderTrigger",
]
