"""Settings of NodeReportFilesEffect."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class ModelReportFilesConfig(BaseModel):
    """The folder below which the node may work."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: Path

    @classmethod
    def from_environment(cls) -> "ModelReportFilesConfig":
        """Read FILES_ROOT; the default is the folder `data` where the node was started."""
        return cls(root=Path(os.environ.get("FILES_ROOT", "data")))
