"""Tests of NodeMediaFanOutOrchestrator."""
