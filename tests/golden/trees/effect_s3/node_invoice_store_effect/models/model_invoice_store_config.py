"""Settings of NodeInvoiceStoreEffect."""

import os

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError


class ModelInvoiceStoreConfig(BaseModel):
    """Which bucket, where it is, and how patiently it is used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bucket: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$")
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://[^\s/?#@]+/?$")
    region: str = Field(default="us-east-1", pattern=r"^[a-z0-9-]+$")
    access_key_id: str | None = None
    secret_access_key: SecretStr | None = None
    timeout_s: float = Field(default=10.0, gt=0, le=300, description="Longest wait for one connection or answer.")
    deadline_s: float = Field(default=60.0, gt=0, le=3600, description="Longest time of one operation.")
    max_attempts: int = Field(default=3, ge=1, le=10)
    retry_pause_s: float = Field(default=0.2, ge=0, le=60)
    max_bytes: int = Field(default=16 * 1024**2, ge=1, description="Largest object that is read or written.")

    @classmethod
    def from_environment(cls) -> "ModelInvoiceStoreConfig":
        """Read the S3_ variables; raises ModelOnexError when the bucket is not set or a value cannot be used."""
        secret = os.environ.get("S3_SECRET_ACCESS_KEY")
        try:
            return cls(
                bucket=os.environ.get("S3_BUCKET", ""),
                endpoint_url=os.environ.get("S3_ENDPOINT_URL") or None,
                region=os.environ.get("S3_REGION") or "us-east-1",
                access_key_id=os.environ.get("S3_ACCESS_KEY_ID") or None,
                secret_access_key=SecretStr(secret) if secret else None,
            )
        except ValidationError as exc:
            names = ", ".join(sorted({f"S3_{error['loc'][0]}".upper() for error in exc.errors()}))
            raise ModelOnexError(
                message=f"{names} is not set or cannot be used; see the README for what it means",
                error_code=EnumCoreErrorCode.CONFIGURATION_ERROR,
            ) from None
