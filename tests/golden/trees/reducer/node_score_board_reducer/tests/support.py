"""Test doubles of NodeScoreBoardReducer: what stands in for the outside while it is tested."""

from __future__ import annotations

from ..node import NodeScoreBoardReducer


def prepare(node: NodeScoreBoardReducer) -> None:
    """Nothing stands between this node and the outside."""
