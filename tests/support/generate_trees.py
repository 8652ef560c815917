"""Generates all golden cases into a folder, in a process of its own: `python -m tests.support.generate_trees FOLDER`.

Every stage runs as it does for a person on a machine without a sandbox, so that what templates fill in stays filled
in and every case is delivered.
"""

import sys
from pathlib import Path

from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest
from omniclaude_dagster.stages.state import new_state
from tests.golden.cases import CASES, asked
from tests.support.reference_nodes import ScriptedSandbox
from tests.support.stage_fakes import gateways_for, run_all


class NoSandbox(ScriptedSandbox):
    """Says of itself that it cannot be used."""

    def unavailable_reason(self) -> str | None:
        return "no sandbox here"


def main(folder: Path) -> int:
    """Generate each case into `folder/out/<case>`. The exit code counts those that were not delivered."""
    gateways = gateways_for(folder, sandbox=NoSandbox())
    missing = 0
    for case in CASES:
        more = {"mode": "fast", "output_dir": str(folder / "out" / case)}
        request = GenerationRequest.model_validate({**asked(case), **more})
        done = run_all(new_state(AcceptedRequest(case, request), artifacts_path=folder), gateways)
        missing += done.published is None
    return missing


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
