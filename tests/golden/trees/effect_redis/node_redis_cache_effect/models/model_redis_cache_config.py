"""Settings of NodeRedisCacheEffect."""

import os

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from pydantic import BaseModel, ConfigDict, Field, SecretStr


class ModelRedisCacheConfig(BaseModel):
    """Where Redis is and how long to wait for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: SecretStr
    timeout_s: float = Field(default=5.0, gt=0, le=300, description="Longest wait for one answer.")
    deadline_s: float = Field(default=30.0, gt=0, le=3600, description="Longest time of one operation with retries.")
    max_attempts: int = Field(default=3, ge=1, le=10)
    retry_pause_s: float = Field(default=0.2, ge=0, le=60, description="Pause before the first retry; it doubles.")

    @classmethod
    def from_environment(cls) -> "ModelRedisCacheConfig":
        """Read REDIS_URL; raises ModelOnexError when it is not set."""
        url = os.environ.get("REDIS_URL")
        if not url:
            raise ModelOnexError(
                message="REDIS_URL is not set; set it to the server's address, redis://user:password@host:6379/0",
                error_code=EnumCoreErrorCode.CONFIGURATION_ERROR,
            )
        return cls(url=SecretStr(url))
