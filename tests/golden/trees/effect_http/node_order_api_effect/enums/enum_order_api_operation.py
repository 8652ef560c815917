"""Operations of OrderApi."""

from enum import StrEnum


class EnumOrderApiOperation(StrEnum):
    """Operations of OrderApi."""

    GET = "GET"
    POST = "POST"
