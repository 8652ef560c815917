"""Models of NodeProductIndexEffect."""

from .model_product_index_config import ModelProductIndexConfig
from .model_product_index_input import ModelProductIndexInput
from .model_product_index_output import ModelProductIndexOutput

__all__ = [
    "ModelProductIndexConfig",
    "ModelProductIndexInput",
    "ModelProductIndexOutput",
]
