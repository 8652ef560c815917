"""What the file operation of ReportFiles did."""

from pydantic import BaseModel, ConfigDict, Field


class ModelReportFilesOutput(BaseModel):
    """What the file operation of ReportFiles did."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(description="Path below the root folder.")
    size_bytes: int = Field(ge=0, description="Size of the file after the operation.")
    sha256: str = Field(default="", description="Hash of the content, empty after a delete or list.")
    content: str = Field(default="", description="Text that was read.")
    entries: list[str] = Field(default_factory=list, description="Names in a listed folder.")
