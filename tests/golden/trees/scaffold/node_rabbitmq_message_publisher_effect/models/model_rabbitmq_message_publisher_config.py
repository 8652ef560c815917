"""Settings of NodeRabbitMQMessagePublisherEffect."""

import os

from pydantic import BaseModel, ConfigDict, Field


class ModelRabbitMQMessagePublisherConfig(BaseModel):
    """How patient the node is; an adapter brings its own settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    deadline_s: float = Field(default=30.0, gt=0, le=3600, description="Longest time of one operation.")

    @classmethod
    def from_environment(cls) -> "ModelRabbitMQMessagePublisherConfig":
        """Read ADAPTER_DEADLINE_S."""
        return cls.model_validate({"deadline_s": os.environ.get("ADAPTER_DEADLINE_S", "30")})
