"""Uploads, downloads, inspects, lists, shares and deletes invoices in S3."""

from .node import NodeInvoiceStoreEffect

__all__ = ["NodeInvoiceStoreEffect"]
