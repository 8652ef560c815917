"""Business logic of NodeRedisCacheEffect: the only file that is meant to be edited.

The operation is not filled in yet; REVIEW.md says what is missing and why.
"""

from __future__ import annotations

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError

from .models import ModelRedisCacheInput, ModelRedisCacheOutput


async def cache_redis(request: ModelRedisCacheInput) -> ModelRedisCacheOutput:
    """Create EFFECT node for Redis cache operations"""
    given = sorted(request.model_fields_set)
    raise ModelOnexError(
        message="operation 'cache_redis' is not filled in: see REVIEW.md",
        error_code=EnumCoreErrorCode.METHOD_NOT_IMPLEMENTED,
        operation="cache_redis",
        given=given,
    )
