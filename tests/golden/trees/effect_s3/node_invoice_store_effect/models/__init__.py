"""Models of NodeInvoiceStoreEffect."""

from .model_invoice_store_config import ModelInvoiceStoreConfig
from .model_invoice_store_input import ModelInvoiceStoreInput
from .model_invoice_store_output import ModelInvoiceStoreOutput

__all__ = [
    "ModelInvoiceStoreConfig",
    "ModelInvoiceStoreInput",
    "ModelInvoiceStoreOutput",
]
