"""COMPUTE node for pricing calculation"""

from .node import NodePricingCalculatorCompute

__all__ = ["NodePricingCalculatorCompute"]
