"""What the operation of MoneyMover did."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ..enums import EnumMoneyMoverOperation


class ModelMoneyMoverOutput(BaseModel):
    """What the operation of MoneyMover did."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: EnumMoneyMoverOperation = Field(description="What was done.")
    rows_affected: int = Field(ge=0, description="Rows written, deleted or read.")
    rows: list[dict[str, JsonValue]] = Field(default_factory=list, description="Rows a select returned.")
    step_rows: list[int] = Field(default_factory=list, description="Rows that each step touched.")
