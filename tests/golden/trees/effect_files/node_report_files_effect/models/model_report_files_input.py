"""One file operation of ReportFiles."""

from pydantic import BaseModel, ConfigDict, Field

from ..enums import EnumReportFilesOperation


class ModelReportFilesInput(BaseModel):
    """One file operation of ReportFiles."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(min_length=1, max_length=1024, description="Path below the root folder.")
    operation: EnumReportFilesOperation = Field(default=EnumReportFilesOperation.WRITE, description="What to do.")
    content: str = Field(default="", description="Text to write or append.")
