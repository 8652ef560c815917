"""Tests of NodeOrderEventsEffect."""
