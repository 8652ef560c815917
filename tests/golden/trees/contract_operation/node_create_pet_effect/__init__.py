"""Adds a pet to the store."""

from .node import NodeCreatePetEffect

__all__ = ["NodeCreatePetEffect"]
