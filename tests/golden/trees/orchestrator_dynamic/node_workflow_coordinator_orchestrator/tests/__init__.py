"""Tests of NodeWorkflowCoordinatorOrchestrator."""
