"""Enumerations of NodeProductIndexEffect."""

from .enum_product_index_operation import EnumProductIndexOperation

__all__ = [
    "EnumProductIndexOperation",
]
