"""Test doubles of NodeRedisCacheEffect: what stands in for the outside while it is tested."""

from __future__ import annotations

from ..node import NodeRedisCacheEffect


def prepare(node: NodeRedisCacheEffect) -> None:
    """Nothing stands between this node and the outside."""
