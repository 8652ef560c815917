"""Tests of NodeInvoiceStoreEffect."""
