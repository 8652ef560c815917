"""Models of NodeEventFilterReducer."""

from .model_event_filter_input import ModelEventFilterInput
from .model_event_filter_output import ModelEventFilterOutput

__all__ = [
    "ModelEventFilterInput",
    "ModelEventFilterOutput",
]
