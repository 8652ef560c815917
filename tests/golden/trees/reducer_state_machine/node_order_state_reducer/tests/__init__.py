"""Tests of NodeOrderStateReducer."""
