"""Test doubles of NodeOrderStateReducer: what stands in for the outside while it is tested."""

from __future__ import annotations

from ..node import NodeOrderStateReducer


def prepare(node: NodeOrderStateReducer) -> None:
    """Nothing stands between this node and the outside."""
