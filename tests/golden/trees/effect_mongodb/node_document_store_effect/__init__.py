"""Inserts, upserts, updates, deletes and finds documents in MongoDB."""

from .node import NodeDocumentStoreEffect

__all__ = ["NodeDocumentStoreEffect"]
