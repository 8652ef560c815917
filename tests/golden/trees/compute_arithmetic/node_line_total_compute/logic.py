# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Business logic of NodeLineTotalCompute: the only file that is meant to be edited."""

from __future__ import annotations

from .models import ModelLineTotalInput, ModelLineTotalOutput


def multiply_price(data: ModelLineTotalInput) -> ModelLineTotalOutput:
    """Multiply price."""
    return ModelLineTotalOutput(total=data.price * data.quantity)
