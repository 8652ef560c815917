"""Pricing calculation."""

from .node import NodePricingCalculatorCompute

__all__ = ["NodePricingCalculatorCompute"]
