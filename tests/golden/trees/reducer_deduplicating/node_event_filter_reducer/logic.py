# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Business logic of NodeEventFilterReducer: the only file that is meant to be edited."""

from __future__ import annotations

from collections.abc import Sequence

from .models import ModelEventFilterInput, ModelEventFilterOutput


def deduplicate_events(items: Sequence[ModelEventFilterInput]) -> ModelEventFilterOutput:
    """Reduce the items to one state."""
    return ModelEventFilterOutput(
        items=list({item.event_id: item for item in items}.values()),
        count=len({item.event_id for item in items}),
    )
