"""What a step of MoneyMover does."""

from enum import StrEnum


class EnumMoneyMoverStepOperation(StrEnum):
    """What a step of MoneyMover does."""

    INSERT = "insert"
    UPSERT = "upsert"
    UPDATE = "update"
    DELETE = "delete"
    SELECT = "select"
