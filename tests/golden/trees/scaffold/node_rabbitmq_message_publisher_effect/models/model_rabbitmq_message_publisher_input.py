"""Input of RabbitMQMessagePublisher."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class ModelRabbitMQMessagePublisherInput(BaseModel):
    """Input of RabbitMQMessagePublisher."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    payload: dict[str, JsonValue] = Field(default_factory=dict, description="What the operation works on.")
