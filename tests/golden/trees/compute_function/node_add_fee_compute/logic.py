# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Business logic of NodeAddFeeCompute: the only file that is meant to be edited."""

from __future__ import annotations


def add_fee(amount: float, fee: float = 0.0) -> float:
    """Add the fee to the amount.

    >>> add_fee(10.0, 2.5)
    12.5
    """
    return amount + fee
