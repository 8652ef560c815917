"""Operations of OrderEvents."""

from enum import StrEnum


class EnumOrderEventsOperation(StrEnum):
    """Operations of OrderEvents."""

    PRODUCE = "produce"
    CONSUME = "consume"
    COMMIT = "commit"
