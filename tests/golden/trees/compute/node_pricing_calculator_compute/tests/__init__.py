"""Tests of NodePricingCalculatorCompute."""
