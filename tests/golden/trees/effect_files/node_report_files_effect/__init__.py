"""EFFECT node called ReportFiles that writes, reads, lists and deletes report files on..."""

from .node import NodeReportFilesEffect

__all__ = ["NodeReportFilesEffect"]
