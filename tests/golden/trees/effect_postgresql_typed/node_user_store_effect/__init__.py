"""EFFECT node called UserStore that inserts, updates, upserts, deletes and reads users..."""

from .node import NodeUserStoreEffect

__all__ = ["NodeUserStoreEffect"]
