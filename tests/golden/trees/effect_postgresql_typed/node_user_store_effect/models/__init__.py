"""Models of NodeUserStoreEffect."""

from .model_user_store_config import ModelUserStoreConfig
from .model_user_store_input import ModelUserStoreInput
from .model_user_store_output import ModelUserStoreOutput

__all__ = [
    "ModelUserStoreConfig",
    "ModelUserStoreInput",
    "ModelUserStoreOutput",
]
