"""Tests of NodeProductIndexEffect."""
