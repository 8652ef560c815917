"""Operations of InvoiceStore."""

from enum import StrEnum


class EnumInvoiceStoreOperation(StrEnum):
    """Operations of InvoiceStore."""

    PUT = "put"
    GET = "get"
    HEAD = "head"
    DELETE = "delete"
    LIST = "list"
    PRESIGN = "presign"
