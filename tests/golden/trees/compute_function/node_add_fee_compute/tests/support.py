"""Test doubles of NodeAddFeeCompute: what stands in for the outside while it is tested."""

from __future__ import annotations

from ..node import NodeAddFeeCompute


def prepare(node: NodeAddFeeCompute) -> None:
    """Nothing stands between this node and the outside."""
