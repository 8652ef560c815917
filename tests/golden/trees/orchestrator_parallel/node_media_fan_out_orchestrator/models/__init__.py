"""Models of NodeMediaFanOutOrchestrator."""

from .model_media_fan_out_input import ModelMediaFanOutInput
from .model_media_fan_out_output import ModelMediaFanOutOutput

__all__ = [
    "ModelMediaFanOutInput",
    "ModelMediaFanOutOutput",
]
