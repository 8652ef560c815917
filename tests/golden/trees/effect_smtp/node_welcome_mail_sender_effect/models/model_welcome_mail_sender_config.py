"""Settings of NodeWelcomeMailSenderEffect."""

import os
from pathlib import Path
from typing import Literal, Self

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class ModelWelcomeMailSenderConfig(BaseModel):
    """Which server sends the mails, as whom, and how patiently it is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(min_length=1, pattern=r"^[^\s/@]+$")
    sender: str = Field(min_length=3, max_length=254)
    port: int | None = Field(default=None, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = None
    timeout_s: float = Field(default=10.0, gt=0, le=300, description="Longest wait for one connection or answer.")
    deadline_s: float = Field(default=60.0, gt=0, le=3600, description="Longest time of one mail.")
    max_attempts: int = Field(default=3, ge=1, le=10)
    retry_pause_s: float = Field(default=0.5, ge=0, le=60)
    max_message_bytes: int = Field(default=10 * 1024**2, ge=1)

    @model_validator(mode="after")
    def _password_needs_tls(self) -> Self:
        if self.password is not None and self.security == "none":
            message = "a password is only sent over an encrypted connection: set security to starttls or tls"
            raise ValueError(message)
        return self

    @property
    def effective_port(self) -> int:
        """The port that was set, or the usual one."""
        return self.port or _PORTS[self.security]

    @classmethod
    def from_environment(cls) -> "ModelWelcomeMailSenderConfig":
        """Read the SMTP_ variables; raises ModelOnexError when one is missing or cannot be used."""
        try:
            return cls.model_validate(
                {
                    "host": os.environ.get("SMTP_HOST", ""),
                    "sender": os.environ.get("SMTP_SENDER", ""),
                    "port": os.environ.get("SMTP_PORT") or None,
                    "security": os.environ.get("SMTP_SECURITY") or "starttls",
                    "username": os.environ.get("SMTP_USERNAME") or None,
                    "password": os.environ.get("SMTP_PASSWORD") or None,
                    "ca_file": os.environ.get("SMTP_CA_FILE") or None,
                }
            )
        except ValidationError as exc:
            names = ", ".join(sorted({f"SMTP_{(error['loc'] or ('SECURITY',))[0]}".upper() for error in exc.errors()}))
            raise ModelOnexError(
                message=f"{names} is not set or cannot be used; see the README for what it means",
                error_code=EnumCoreErrorCode.CONFIGURATION_ERROR,
            ) from None
