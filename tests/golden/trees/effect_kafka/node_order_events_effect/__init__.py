"""Produces and consumes order events in the Kafka topic orders.created with order_id..."""

from .node import NodeOrderEventsEffect

__all__ = ["NodeOrderEventsEffect"]
