"""Settings of NodeCreatePetEffect."""

import os

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError


class ModelCreatePetConfig(BaseModel):
    """Which API is called and how patiently."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")
    token: SecretStr | None = None
    timeout_s: float = Field(default=10.0, gt=0, le=300, description="Longest wait for a connection or for data.")
    deadline_s: float = Field(default=60.0, gt=0, le=3600, description="Longest time of one call.")
    max_attempts: int = Field(default=3, ge=1, le=10)
    retry_pause_s: float = Field(default=0.2, ge=0, le=60)
    max_pause_s: float = Field(default=30.0, ge=0, le=600, description="Longest pause the API may ask for.")
    max_response_bytes: int = Field(default=16 * 1024**2, ge=1)

    @classmethod
    def from_environment(cls) -> "ModelCreatePetConfig":
        """Read HTTP_API_BASE_URL and HTTP_API_TOKEN; raises ModelOnexError when the address is not set or is none."""
        base_url = os.environ.get("HTTP_API_BASE_URL")
        token = os.environ.get("HTTP_API_TOKEN")
        if not base_url:
            raise ModelOnexError(
                message="HTTP_API_BASE_URL is not set; set it to the address of the API",
                error_code=EnumCoreErrorCode.CONFIGURATION_ERROR,
            )
        try:
            return cls(base_url=base_url, token=SecretStr(token) if token else None)
        except ValidationError:
            raise ModelOnexError(
                message="HTTP_API_BASE_URL is not an address such as https://api.example.com",
                error_code=EnumCoreErrorCode.CONFIGURATION_ERROR,
            ) from None
