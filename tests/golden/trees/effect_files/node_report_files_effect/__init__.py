"""Writes, reads, lists and deletes report files on disk."""

from .node import NodeReportFilesEffect

__all__ = ["NodeReportFilesEffect"]
