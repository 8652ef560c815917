"""Test doubles of NodeReportFilesEffect: what stands in for the outside while it is tested."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..models import ModelReportFilesConfig
from ..node import NodeReportFilesEffect


def prepare(node: NodeReportFilesEffect) -> Path:
    """Let the node work for real in a fresh folder that holds example.txt."""
    root = Path(tempfile.mkdtemp())
    (root / "example.txt").write_text("example")
    node.config = ModelReportFilesConfig(root=root)
    return root
