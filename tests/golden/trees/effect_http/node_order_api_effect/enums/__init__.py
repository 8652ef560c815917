"""Enumerations of NodeOrderApiEffect."""

from .enum_order_api_operation import EnumOrderApiOperation

__all__ = [
    "EnumOrderApiOperation",
]
