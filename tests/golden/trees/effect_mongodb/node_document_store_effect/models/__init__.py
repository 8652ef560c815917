"""Models of NodeDocumentStoreEffect."""

from .model_document_store_config import ModelDocumentStoreConfig
from .model_document_store_input import ModelDocumentStoreInput
from .model_document_store_output import ModelDocumentStoreOutput

__all__ = [
    "ModelDocumentStoreConfig",
    "ModelDocumentStoreInput",
    "ModelDocumentStoreOutput",
]
