"""Operations of RedisCache."""

from enum import StrEnum


class EnumRedisCacheOperation(StrEnum):
    """Operations of RedisCache."""

    GET = "get"
    SET = "set"
    DELETE = "delete"
    EXISTS = "exists"
    EXPIRE = "expire"
