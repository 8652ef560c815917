"""Tests of NodeOrderApiEffect."""
