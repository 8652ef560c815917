"""Output of RabbitMQMessagePublisher."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class ModelRabbitMQMessagePublisherOutput(BaseModel):
    """Output of RabbitMQMessagePublisher."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    result: dict[str, JsonValue] = Field(default_factory=dict, description="What the operation gave.")
