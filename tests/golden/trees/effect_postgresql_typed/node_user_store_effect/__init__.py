"""Inserts, updates, upserts, deletes and reads users in PostgreSQL with user_id (uuid),..."""

from .node import NodeUserStoreEffect

__all__ = ["NodeUserStoreEffect"]
