"""REDUCER node called EventFilter that deduplicates events by event_id (string) with..."""

from .node import NodeEventFilterReducer

__all__ = ["NodeEventFilterReducer"]
