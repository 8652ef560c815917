"""Runs one generation in a process of its own that kills itself with SIGKILL when a stage begins.

    python -m tests.support.kill_generation HOME STAGE     STAGE "none": run to the end and print the status

The sandbox is scripted: what is tried here is the state that is left on disk, not the execution of a candidate.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest
from omniclaude_dagster.sandbox.model import SandboxJob
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.stages import flow
from tests.support.reference_nodes import ScriptedSandbox, executed, returned

REQUEST = AcceptedRequest(
    "killed-request",
    GenerationRequest.model_validate({"prompt": "COMPUTE node for pricing calculation", "mode": "fast"}),
)
_OUTPUT = {"net": 27.0, "tax": 5.4, "gross": 32.4}


def _execute(job: SandboxJob) -> dict[str, Any]:
    return executed(processed=[returned(s, _OUTPUT) for s in job.arguments["samples"]])(job)


def main(home: Path, stage: str) -> None:
    """Run the generation; dies in `stage`."""
    if stage in flow.STAGE_FUNCTIONS:
        real = flow.STAGE_FUNCTIONS[stage]

        async def fatal(state: Any, gateways: Any) -> Any:
            # Half of the deaths come after the stage has done its work: its result is never passed on.
            if os.environ.get("DIE_AFTER_THE_WORK"):
                await real(state, gateways)
            os.kill(os.getpid(), signal.SIGKILL)

        flow.STAGE_FUNCTIONS[stage] = fatal
    sandbox = ScriptedSandbox({"execute_node": _execute})
    with Platform(Settings.model_validate({"home": home, "model_base_url": ""}), sandbox=sandbox) as platform:
        result = asyncio.run(platform.generate(REQUEST))
    sys.stdout.write(f"{result.status}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
