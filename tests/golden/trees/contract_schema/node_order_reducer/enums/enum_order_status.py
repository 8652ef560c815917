"""Values of status."""

from enum import StrEnum


class EnumOrderStatus(StrEnum):
    """Values of status."""

    NEW = "new"
    PAID = "paid"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"
