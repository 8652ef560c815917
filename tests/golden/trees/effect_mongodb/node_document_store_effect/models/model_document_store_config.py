"""Settings of NodeDocumentStoreEffect."""

import os

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError


class ModelDocumentStoreConfig(BaseModel):
    """Which database, where it is, and how patiently it is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: SecretStr = Field(min_length=1)
    database: str = Field(pattern=r"^[A-Za-z0-9_-]{1,63}$")
    timeout_s: float = Field(default=10.0, gt=0, le=300, description="Longest wait for a connection or an answer.")
    deadline_s: float = Field(default=60.0, gt=0, le=3600, description="Longest time of one operation.")
    max_attempts: int = Field(default=3, ge=1, le=10)
    retry_pause_s: float = Field(default=0.2, ge=0, le=60)
    max_result_bytes: int = Field(default=16 * 1024**2, ge=1, description="Most bytes of documents that are read.")

    @classmethod
    def from_environment(cls) -> "ModelDocumentStoreConfig":
        """Read MONGODB_URI and MONGODB_DATABASE; raises ModelOnexError when one is missing or cannot be used."""
        try:
            return cls(
                uri=SecretStr(os.environ.get("MONGODB_URI", "")), database=os.environ.get("MONGODB_DATABASE", "")
            )
        except ValidationError as exc:
            names = ", ".join(sorted({f"MONGODB_{error['loc'][0]}".upper() for error in exc.errors()}))
            raise ModelOnexError(
                message=f"{names} is not set or cannot be used; see the README for what it means",
                error_code=EnumCoreErrorCode.CONFIGURATION_ERROR,
            ) from None
