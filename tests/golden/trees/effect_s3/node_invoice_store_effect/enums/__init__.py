"""Enumerations of NodeInvoiceStoreEffect."""

from .enum_invoice_store_operation import EnumInvoiceStoreOperation

__all__ = [
    "EnumInvoiceStoreOperation",
]
