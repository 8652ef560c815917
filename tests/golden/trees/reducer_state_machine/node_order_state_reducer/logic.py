# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Business logic of NodeOrderStateReducer: the states it knows and the events that lead from one to the next."""

from __future__ import annotations

from collections.abc import Sequence

from .enums import EnumOrderState, EnumOrderTrigger
from .models import ModelOrderStateInput, ModelOrderStateOutput

INITIAL_STATE = EnumOrderState.PENDING
TRANSITIONS = {
    (EnumOrderState.PENDING, EnumOrderTrigger.TO_PAID): EnumOrderState.PAID,
    (EnumOrderState.PAID, EnumOrderTrigger.TO_SHIPPED): EnumOrderState.SHIPPED,
    (EnumOrderState.PAID, EnumOrderTrigger.TO_REFUNDED): EnumOrderState.REFUNDED,
}


def reduce_order_state(items: Sequence[ModelOrderStateInput]) -> ModelOrderStateOutput:
    """Apply the events in their order; one that the state does not allow changes nothing and is reported."""
    history = [INITIAL_STATE]
    rejected: list[int] = []
    for position, item in enumerate(items):
        following = TRANSITIONS.get((history[-1], item.trigger))
        if following is None:
            rejected.append(position)
        else:
            history.append(following)
    is_final = all(source is not history[-1] for source, _ in TRANSITIONS)
    return ModelOrderStateOutput(state=history[-1], history=history, is_final=is_final, rejected=rejected)
