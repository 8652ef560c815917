"""Models of NodeRedisCacheEffect."""

from .model_redis_cache_input import ModelRedisCacheInput
from .model_redis_cache_output import ModelRedisCacheOutput

__all__ = [
    "ModelRedisCacheInput",
    "ModelRedisCacheOutput",
]
