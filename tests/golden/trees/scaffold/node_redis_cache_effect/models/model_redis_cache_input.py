"""Input of RedisCache."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class ModelRedisCacheInput(BaseModel):
    """Input of RedisCache."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    payload: dict[str, JsonValue] = Field(default_factory=dict, description="What the operation works on.")
