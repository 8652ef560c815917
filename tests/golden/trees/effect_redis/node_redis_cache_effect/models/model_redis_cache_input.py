"""One Redis operation of RedisCache."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ..enums import EnumRedisCacheOperation


class ModelRedisCacheInput(BaseModel):
    """One Redis operation of RedisCache."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(min_length=1, max_length=1024, description="Key.")
    operation: EnumRedisCacheOperation = Field(default=EnumRedisCacheOperation.GET, description="What to do.")
    value: JsonValue = Field(default=None, description="Value to keep or send, as JSON.")
    ttl_s: int | None = Field(default=None, ge=1, description="Seconds until the key is forgotten; none: kept.")
    only_if_absent: bool = Field(default=False, description="Leave a value that is there already.")
