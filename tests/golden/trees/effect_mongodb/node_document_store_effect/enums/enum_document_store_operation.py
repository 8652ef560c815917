"""Operations of DocumentStore."""

from enum import StrEnum


class EnumDocumentStoreOperation(StrEnum):
    """Operations of DocumentStore."""

    INSERT = "insert"
    UPSERT = "upsert"
    UPDATE = "update"
    DELETE = "delete"
    FIND = "find"
