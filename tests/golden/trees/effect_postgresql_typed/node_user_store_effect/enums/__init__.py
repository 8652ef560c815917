"""Enumerations of NodeUserStoreEffect."""

from .enum_user_store_operation import EnumUserStoreOperation

__all__ = [
    "EnumUserStoreOperation",
]
