"""Tests of NodeAddFeeCompute."""
