"""Test doubles of NodePricingCalculatorCompute: what stands in for the outside while it is tested."""

from __future__ import annotations

from ..node import NodePricingCalculatorCompute


def prepare(node: NodePricingCalculatorCompute) -> None:
    """Nothing stands between this node and the outside."""
