"""Dagster's entry point. Everything is put together in `defs/assembly.py`; nothing happens at import."""

import dagster as dg

from omniclaude_dagster.defs.assembly import build_defs
from omniclaude_dagster.defs.in_process import run_in_process

__all__ = ["build_defs", "defs", "run_in_process"]


@dg.definitions
def defs() -> dg.Definitions:
    """What `workspace.yaml`, `dg` and `dagster` load."""
    return build_defs()
