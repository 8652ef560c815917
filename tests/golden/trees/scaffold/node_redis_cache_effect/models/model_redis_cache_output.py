"""Output of RedisCache."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class ModelRedisCacheOutput(BaseModel):
    """Output of RedisCache."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    result: dict[str, JsonValue] = Field(default_factory=dict, description="What the operation gave.")
