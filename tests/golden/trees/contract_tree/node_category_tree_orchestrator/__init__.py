"""CategoryTree."""

from .node import NodeCategoryTreeOrchestrator

__all__ = ["NodeCategoryTreeOrchestrator"]
