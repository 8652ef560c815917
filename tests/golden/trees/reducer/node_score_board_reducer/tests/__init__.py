"""Tests of NodeScoreBoardReducer."""
