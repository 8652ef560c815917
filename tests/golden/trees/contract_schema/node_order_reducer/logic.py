# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Business logic of NodeOrderReducer: the only file that is meant to be edited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .models import ModelOrderInput, ModelOrderOutput


def reduce_order(items: Sequence[ModelOrderInput]) -> ModelOrderOutput:
    """Reduce the items to one state."""
    return ModelOrderOutput(
        count=len(items),
        counts=dict(Counter(str(item.order_id) for item in items)),
    )
