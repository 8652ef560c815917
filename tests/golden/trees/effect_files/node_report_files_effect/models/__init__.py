"""Models of NodeReportFilesEffect."""

from .model_report_files_config import ModelReportFilesConfig
from .model_report_files_input import ModelReportFilesInput
from .model_report_files_output import ModelReportFilesOutput

__all__ = [
    "ModelReportFilesConfig",
    "ModelReportFilesInput",
    "ModelReportFilesOutput",
]
