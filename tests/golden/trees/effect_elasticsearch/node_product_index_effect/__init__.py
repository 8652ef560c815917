"""Indexes, reads, searches, deletes and bulk imports products in Elasticsearch."""

from .node import NodeProductIndexEffect

__all__ = ["NodeProductIndexEffect"]
