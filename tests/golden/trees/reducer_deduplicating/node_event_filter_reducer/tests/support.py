"""Test doubles of NodeEventFilterReducer: what stands in for the outside while it is tested."""

from __future__ import annotations

from ..node import NodeEventFilterReducer


def prepare(node: NodeEventFilterReducer) -> None:
    """Nothing stands between this node and the outside."""
