"""Tests of NodeEventFilterReducer."""
