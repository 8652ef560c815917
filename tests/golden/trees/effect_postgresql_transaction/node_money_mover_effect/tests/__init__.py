"""Tests of NodeMoneyMoverEffect."""
