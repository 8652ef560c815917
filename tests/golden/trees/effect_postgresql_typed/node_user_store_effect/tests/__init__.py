"""Tests of NodeUserStoreEffect."""
