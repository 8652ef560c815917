"""What the operation of UserStore did."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ..enums import EnumUserStoreOperation


class ModelUserStoreOutput(BaseModel):
    """What the operation of UserStore did."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: EnumUserStoreOperation = Field(description="What was done.")
    rows_affected: int = Field(ge=0, description="Rows written, deleted or read.")
    rows: list[dict[str, JsonValue]] = Field(default_factory=list, description="Rows a select returned.")
