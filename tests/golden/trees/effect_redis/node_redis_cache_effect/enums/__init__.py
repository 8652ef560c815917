"""Enumerations of NodeRedisCacheEffect."""

from .enum_redis_cache_operation import EnumRedisCacheOperation

__all__ = [
    "EnumRedisCacheOperation",
]
