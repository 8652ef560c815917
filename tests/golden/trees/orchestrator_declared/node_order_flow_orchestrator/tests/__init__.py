"""Tests of NodeOrderFlowOrchestrator."""
