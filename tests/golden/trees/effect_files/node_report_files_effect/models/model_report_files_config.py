"""Settings of NodeReportFilesEffect."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class ModelReportFilesConfig(BaseModel):
    """The folder below which the node may work, and how much it reads and writes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: Path
    max_bytes: int = Field(default=16 * 1024**2, ge=1, description="Largest file that is read or written.")
    max_entries: int = Field(default=10_000, ge=1, description="Longest list of a folder.")

    @classmethod
    def from_environment(cls) -> "ModelReportFilesConfig":
        """Read FILES_ROOT; the default is the folder `data` where the node was started."""
        return cls(root=Path(os.environ.get("FILES_ROOT", "data")))
