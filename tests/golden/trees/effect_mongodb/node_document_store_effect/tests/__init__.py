"""Tests of NodeDocumentStoreEffect."""
