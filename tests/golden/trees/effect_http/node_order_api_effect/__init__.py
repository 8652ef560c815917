"""Fetches and posts orders over an HTTP API."""

from .node import NodeOrderApiEffect

__all__ = ["NodeOrderApiEffect"]
