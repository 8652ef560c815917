"""Models of NodeRedisCacheEffect."""

from .model_redis_cache_config import ModelRedisCacheConfig
from .model_redis_cache_input import ModelRedisCacheInput
from .model_redis_cache_output import ModelRedisCacheOutput

__all__ = [
    "ModelRedisCacheConfig",
    "ModelRedisCacheInput",
    "ModelRedisCacheOutput",
]
