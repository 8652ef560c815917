"""Result of PricingCalculator."""

from pydantic import BaseModel, ConfigDict, Field


class ModelPricingCalculatorOutput(BaseModel):
    """Result of PricingCalculator."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    net: float = Field(description="Price after the discount.")
    tax: float = Field(description="Tax on the net price.")
    gross: float = Field(description="What is to be paid.")
