"""Settings of NodeProductIndexEffect."""

import os
from pathlib import Path

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError


class ModelProductIndexConfig(BaseModel):
    """Which server keeps the index, as whom it is asked, and how patiently."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")
    api_key: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = None
    timeout_s: float = Field(default=10.0, gt=0, le=300, description="Longest wait for a connection or for data.")
    deadline_s: float = Field(default=60.0, gt=0, le=3600, description="Longest time of one operation.")
    max_attempts: int = Field(default=3, ge=1, le=10)
    retry_pause_s: float = Field(default=0.2, ge=0, le=60)
    max_pause_s: float = Field(default=30.0, ge=0, le=600, description="Longest pause a server may ask for.")
    max_response_bytes: int = Field(default=16 * 1024**2, ge=1)

    @classmethod
    def from_environment(cls) -> "ModelProductIndexConfig":
        """Read the ELASTICSEARCH_ variables; raises ModelOnexError when the address is missing or cannot be used."""
        api_key = os.environ.get("ELASTICSEARCH_API_KEY")
        password = os.environ.get("ELASTICSEARCH_PASSWORD")
        ca_file = os.environ.get("ELASTICSEARCH_CA_FILE")
        try:
            return cls(
                url=os.environ.get("ELASTICSEARCH_URL", ""),
                api_key=SecretStr(api_key) if api_key else None,
                username=os.environ.get("ELASTICSEARCH_USERNAME") or None,
                password=SecretStr(password) if password else None,
                ca_file=Path(ca_file) if ca_file else None,
            )
        except ValidationError as exc:
            names = ", ".join(sorted({f"ELASTICSEARCH_{error['loc'][0]}".upper() for error in exc.errors()}))
            raise ModelOnexError(
                message=f"{names} is not set or cannot be used; see the README for what it means",
                error_code=EnumCoreErrorCode.CONFIGURATION_ERROR,
            ) from None
