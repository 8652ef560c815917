"""Settings of NodeOrderEventsEffect."""

import os

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from pydantic import BaseModel, ConfigDict, Field, SecretStr


class ModelOrderEventsConfig(BaseModel):
    """Where the brokers are, who asks, and how long to wait for them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bootstrap_servers: str = Field(min_length=1)
    username: str | None = None
    password: SecretStr | None = None
    security_protocol: str | None = None
    sasl_mechanism: str = "PLAIN"
    group_id: str = Field(default="node_order_events_effect", min_length=1)
    timeout_s: float = Field(default=10.0, gt=0, le=300, description="Longest wait for a broker's answer.")
    delivery_timeout_s: float = Field(default=30.0, gt=0, le=3600, description="Longest wait for an acknowledgement.")
    max_attempts: int = Field(default=3, ge=1, le=10)
    retry_pause_s: float = Field(default=0.2, gt=0, le=60, description="Pause before the first retry; it doubles.")

    @classmethod
    def from_environment(cls) -> "ModelOrderEventsConfig":
        """Read the variables KAFKA_*; raises ModelOnexError when KAFKA_BOOTSTRAP_SERVERS is not set."""
        servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
        if not servers:
            raise ModelOnexError(
                message="KAFKA_BOOTSTRAP_SERVERS is not set; set it to the brokers, host1:9092,host2:9092",
                error_code=EnumCoreErrorCode.CONFIGURATION_ERROR,
            )
        password = os.environ.get("KAFKA_PASSWORD")
        return cls(
            bootstrap_servers=servers,
            username=os.environ.get("KAFKA_USERNAME"),
            password=SecretStr(password) if password else None,
            security_protocol=os.environ.get("KAFKA_SECURITY_PROTOCOL"),
            sasl_mechanism=os.environ.get("KAFKA_SASL_MECHANISM", "PLAIN"),
            group_id=os.environ.get("KAFKA_GROUP_ID", "node_order_events_effect"),
        )

    def client_settings(self) -> dict[str, str | int | float | bool]:
        """Settings of librdkafka that every client of these brokers needs."""
        settings: dict[str, str | int | float | bool] = {
            "bootstrap.servers": self.bootstrap_servers,
            "security.protocol": self.security_protocol or ("SASL_SSL" if self.username else "PLAINTEXT"),
            "reconnect.backoff.ms": int(self.retry_pause_s * 1000),
            # What goes wrong becomes an exception; librdkafka would write it to stderr as well.
            "log_level": 0,
        }
        if self.username is not None:
            password = self.password.get_secret_value() if self.password else ""
            settings |= {
                "sasl.mechanism": self.sasl_mechanism,
                "sasl.username": self.username,
                "sasl.password": password,
            }
        return settings
