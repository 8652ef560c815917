"""Input of PricingCalculator."""

from pydantic import BaseModel, ConfigDict, Field


class ModelPricingCalculatorInput(BaseModel):
    """Input of PricingCalculator."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit_price: float = Field(ge=0, description="Price of one unit.")
    quantity: int = Field(default=1, ge=0, description="Number of units.")
    discount_rate: float = Field(default=0.0, ge=0, le=1, description="Share taken off, 0 to 1.")
    tax_rate: float = Field(default=0.0, ge=0, description="Tax as a share of the net price.")
