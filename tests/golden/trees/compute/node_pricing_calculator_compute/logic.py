# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Business logic of NodePricingCalculatorCompute: the only file that is meant to be edited."""

from __future__ import annotations

from .models import ModelPricingCalculatorInput, ModelPricingCalculatorOutput


def calculate_pricing(data: ModelPricingCalculatorInput) -> ModelPricingCalculatorOutput:
    """Total price of a quantity, after a discount, with tax."""
    net = data.unit_price * data.quantity * (1 - data.discount_rate)
    tax = net * data.tax_rate
    return ModelPricingCalculatorOutput(net=net, tax=tax, gross=net + tax)
