"""Operations of UserStore."""

from enum import StrEnum


class EnumUserStoreOperation(StrEnum):
    """Operations of UserStore."""

    INSERT = "insert"
    UPSERT = "upsert"
    UPDATE = "update"
    DELETE = "delete"
    SELECT = "select"
