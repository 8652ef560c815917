"""Enumerations of NodeOrderEventsEffect."""

from .enum_order_events_operation import EnumOrderEventsOperation

__all__ = [
    "EnumOrderEventsOperation",
]
