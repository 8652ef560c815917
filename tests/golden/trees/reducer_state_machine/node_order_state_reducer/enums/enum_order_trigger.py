"""What moves OrderState on."""

from enum import StrEnum


class EnumOrderTrigger(StrEnum):
    """What moves OrderState on."""

    TO_PAID = "to_paid"
    TO_SHIPPED = "to_shipped"
    TO_REFUNDED = "to_refunded"
