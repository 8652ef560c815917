"""Enumerations of NodeOrderReducer."""

from .enum_order_priority import EnumOrderPriority
from .enum_order_status import EnumOrderStatus

__all__ = [
    "EnumOrderPriority",
    "EnumOrderStatus",
]
