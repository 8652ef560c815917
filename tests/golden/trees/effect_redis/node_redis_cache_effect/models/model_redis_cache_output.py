"""What the operation of RedisCache did."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ..enums import EnumRedisCacheOperation


class ModelRedisCacheOutput(BaseModel):
    """What the operation of RedisCache did."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: EnumRedisCacheOperation = Field(description="What was done.")
    key: str = Field(description="Key or channel.")
    is_found: bool = Field(default=False, description="Whether what was asked for is there.")
    is_changed: bool = Field(default=False, description="Whether something was written or deleted.")
    value: JsonValue = Field(default=None, description="Value.")
