"""Enumerations of NodeReportFilesEffect."""

from .enum_report_files_operation import EnumReportFilesOperation

__all__ = [
    "EnumReportFilesOperation",
]
