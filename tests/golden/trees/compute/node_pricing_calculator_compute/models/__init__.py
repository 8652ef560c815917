"""Models of NodePricingCalculatorCompute."""

from .model_pricing_calculator_input import ModelPricingCalculatorInput
from .model_pricing_calculator_output import ModelPricingCalculatorOutput

__all__ = [
    "ModelPricingCalculatorInput",
    "ModelPricingCalculatorOutput",
]
