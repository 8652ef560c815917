"""Enumerations of NodeDocumentStoreEffect."""

from .enum_document_store_operation import EnumDocumentStoreOperation

__all__ = [
    "EnumDocumentStoreOperation",
]
