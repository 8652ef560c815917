"""Settings of NodeMoneyMoverEffect."""

import os
from typing import Literal

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from pydantic import BaseModel, ConfigDict, Field, SecretStr


class ModelMoneyMoverConfig(BaseModel):
    """Where the database is and how long to wait for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dsn: SecretStr
    connect_timeout_s: int = Field(default=5, ge=1, le=60)
    statement_timeout_ms: int = Field(default=30_000, ge=1)
    deadline_s: float = Field(default=60.0, gt=0, le=3600, description="Longest time of one operation with retries.")
    max_attempts: int = Field(default=3, ge=1, le=10)
    retry_pause_s: float = Field(default=0.2, ge=0, le=60, description="Pause before the first retry; it doubles.")
    isolation_level: Literal["READ_COMMITTED", "REPEATABLE_READ", "SERIALIZABLE"] = "READ_COMMITTED"

    @classmethod
    def from_environment(cls) -> "ModelMoneyMoverConfig":
        """Read POSTGRES_DSN; raises ModelOnexError when it is not set."""
        dsn = os.environ.get("POSTGRES_DSN")
        if not dsn:
            raise ModelOnexError(
                message="POSTGRES_DSN is not set; set it to a connection string of the database",
                error_code=EnumCoreErrorCode.CONFIGURATION_ERROR,
            )
        return cls(dsn=SecretStr(dsn))
