"""One database operation of MoneyMover."""

from pydantic import BaseModel, ConfigDict, Field

from ..enums import EnumMoneyMoverOperation
from .model_money_mover_step import ModelMoneyMoverStep


class ModelMoneyMoverInput(BaseModel):
    """One database operation of MoneyMover."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: EnumMoneyMoverOperation = Field(default=EnumMoneyMoverOperation.TRANSACTION, description="What to do.")
    steps: list[ModelMoneyMoverStep] = Field(
        default_factory=list, description="Steps of a transaction: all are done, or none."
    )
