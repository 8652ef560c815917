"""Operations of ReportFiles."""

from enum import StrEnum


class EnumReportFilesOperation(StrEnum):
    """Operations of ReportFiles."""

    WRITE = "write"
    READ = "read"
    DELETE = "delete"
    LIST = "list"
