"""Test doubles of NodeOrderReducer: what stands in for the outside while it is tested."""

from __future__ import annotations

from ..node import NodeOrderReducer


def prepare(node: NodeOrderReducer) -> None:
    """Nothing stands between this node and the outside."""
