"""Tests of NodeCategoryTreeOrchestrator."""
