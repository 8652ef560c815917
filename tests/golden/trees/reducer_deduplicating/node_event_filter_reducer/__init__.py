"""Deduplicates events by event_id (string) with payload (string)."""

from .node import NodeEventFilterReducer

__all__ = ["NodeEventFilterReducer"]
