"""States of OrderState."""

from enum import StrEnum


class EnumOrderState(StrEnum):
    """States of OrderState."""

    PENDING = "pending"
    PAID = "paid"
    SHIPPED = "shipped"
    REFUNDED = "refunded"
