"""One step of a transaction of MoneyMover."""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ..enums import EnumMoneyMoverStepOperation


class ModelMoneyMoverStep(BaseModel):
    """One step of a transaction of MoneyMover."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: EnumMoneyMoverStepOperation = Field(description="What to do.")
    table: str = Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$",
        description="Table, with its schema if need be.",
    )
    values: dict[str, JsonValue] = Field(default_factory=dict, description="Column values to write.")
    add: dict[str, Decimal] = Field(
        default_factory=dict, description="What an update adds to columns; less than 0 takes away."
    )
    match: dict[str, JsonValue] = Field(default_factory=dict, description="Columns that select the rows, by equality.")
    at_least: dict[str, Decimal] = Field(
        default_factory=dict, description="Only rows whose columns hold this much or more."
    )
    conflict_columns: list[str] = Field(default_factory=list, description="Columns that make an upsert's row unique.")
    limit: int = Field(default=100, ge=1, le=10000, description="Most rows a select returns.")
    expected_rows: int | None = Field(
        default=None, ge=0, description="If it touches another number of rows, all is undone."
    )
