"""Models of NodeOrderApiEffect."""

from .model_order_api_config import ModelOrderApiConfig
from .model_order_api_input import ModelOrderApiInput
from .model_order_api_output import ModelOrderApiOutput

__all__ = [
    "ModelOrderApiConfig",
    "ModelOrderApiInput",
    "ModelOrderApiOutput",
]
