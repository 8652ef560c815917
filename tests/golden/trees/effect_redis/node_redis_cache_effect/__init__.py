"""Redis cache operations."""

from .node import NodeRedisCacheEffect

__all__ = ["NodeRedisCacheEffect"]
