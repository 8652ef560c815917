"""Operations of MoneyMover."""

from enum import StrEnum


class EnumMoneyMoverOperation(StrEnum):
    """Operations of MoneyMover."""

    TRANSACTION = "transaction"
