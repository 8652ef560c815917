"""Operations of ProductIndex."""

from enum import StrEnum


class EnumProductIndexOperation(StrEnum):
    """Operations of ProductIndex."""

    INDEX = "index"
    GET = "get"
    SEARCH = "search"
    DELETE = "delete"
    BULK = "bulk"
