"""Runs accepted requests through the Dagster job, in this process, and says what the results mean for the exit code."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE, EXIT_NOT_PUBLISHED, EXIT_OUTSIDE
from omniclaude_dagster.surfaces.cli.progress import StageProgress

if TYPE_CHECKING:
    from omniclaude_dagster.request.model import AcceptedRequest
    from omniclaude_dagster.settings import Settings
    from omniclaude_dagster.stages.model import GenerationResult

EXIT_CODES = {
    "published": EXIT_DONE,
    "needs_review": EXIT_NOT_PUBLISHED,
    "blocked": EXIT_NOT_PUBLISHED,
    "failed": EXIT_OUTSIDE,
}


def run_requests(
    requests: Sequence["AcceptedRequest"], *, settings: "Settings", is_quiet: bool
) -> dict[str, "GenerationResult"]:
    """All requests in one run, concurrently; results by request id. Progress goes to stderr.

    Raises ConfigurationError for a wrong setting or file before a run exists.
    """
    from omniclaude_dagster.definitions import run_in_process
    from omniclaude_dagster.pipeline import Platform

    # Whatever a library prints while it runs must not get between results.
    with (
        _interrupt_kept(),
        contextlib.redirect_stdout(sys.stderr),
        Platform(settings) as platform,
    ):
        platform.read_configuration()
        with StageProgress(request_count=len(requests), is_quiet=is_quiet) as progress:
            results = run_in_process(requests, settings=settings, on_stage=progress, platform=platform)
    return {result.request_id: result for result in results}


@contextlib.contextmanager
def _interrupt_kept() -> Iterator[None]:
    """Raise KeyboardInterrupt afterwards if SIGINT came: Dagster takes the signal for itself and fails the run."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    earlier = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
        with contextlib.suppress(BlockingIOError):
            if signal.SIGINT in os.read(reader, 4096):
                raise KeyboardInterrupt
    finally:
        signal.set_wakeup_fd(earlier)
        os.close(reader)
        os.close(writer)


def refused_line(number: int, problem: str) -> "GenerationResult":
    """The result of a line that is no request."""
    from omniclaude_dagster.stages.model import GenerationResult

    return GenerationResult(
        request_id=f"line-{number}",
        correlation_id="",
        mode="",
        status="failed",
        node={"kind": None, "name": None, "class_name": None, "domain": None, "path": None},
        quality_score=0.0,
        quality={},
        cost_usd=0.0,
        duration_ms=0.0,
        stages=[],
        gates=[],
        files=[],
        error=problem,
    )
