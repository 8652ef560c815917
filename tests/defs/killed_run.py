"""Run as a program: generates in process and is killed with -9 at a given moment. Arguments: home, moment, output.

Moments: the number of a stage (killed when it has ended), `records` (written, result not yet kept).
"""

import os
import signal
import sys
from pathlib import Path

from omniclaude_dagster.defs.in_process import run_in_process
from omniclaude_dagster.defs.ledger import Ledger
from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.stages.state import GenerationState
from tests.defs.requests import NoSandbox, accepted


def main() -> None:
    """Never returns by itself when the moment is reached."""
    home, moment, output = sys.argv[1:]

    def on_stage(state: GenerationState) -> None:
        if state.stage_records[-1].stage == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    if moment == "records":
        Ledger.keep_result = lambda *_args, **_more: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
    settings = Settings(home=Path(home))
    platform = Platform(settings, sandbox=NoSandbox())
    run_in_process([accepted("killed", output_dir=output)], settings=settings, platform=platform, on_stage=on_stage)


if __name__ == "__main__":
    main()
