"""Models of NodeOrderEventsEffect."""

from .model_order_events_config import ModelOrderEventsConfig
from .model_order_events_input import ModelOrderEventsInput
from .model_order_events_message import ModelOrderEventsMessage
from .model_order_events_output import ModelOrderEventsOutput
from .model_order_events_payload import ModelOrderEventsPayload

__all__ = [
    "ModelOrderEventsConfig",
    "ModelOrderEventsInput",
    "ModelOrderEventsMessage",
    "ModelOrderEventsOutput",
    "ModelOrderEventsPayload",
]
