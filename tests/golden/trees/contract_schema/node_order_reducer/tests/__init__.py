"""Tests of NodeOrderReducer."""
