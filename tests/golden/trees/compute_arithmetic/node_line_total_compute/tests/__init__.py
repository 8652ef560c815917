"""Tests of NodeLineTotalCompute."""
