"""Helpers for tests of the command line: results as a run gives them, and the program in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from omniclaude_dagster.request.model import AcceptedRequest
from omniclaude_dagster.stages.model import GenerationResult, GenerationStatus

PROGRAM = (sys.executable, "-m", "omniclaude_dagster.surfaces.cli.main")
RESULT_KEYS = [
    "request_id", "correlation_id", "mode", "status", "node", "quality_score", "quality", "cost_usd", "duration_ms",
    "stages", "gates", "files", "error", "quorum", "patterns",
]  # fmt: skip
GATE_KEYS = ["gate", "phase", "is_blocking", "status", "message", "duration_ms"]
STAGE_KEYS = [
    "stage", "name", "status", "model", "tokens_input", "tokens_output", "latency_ms", "cost_usd", "quality_score",
    "attempts", "message",
]  # fmt: skip


def a_result(request_id: str = "a-request", status: GenerationStatus = "published", **changes: Any) -> GenerationResult:
    """A result as a run gives it."""
    values: dict[str, Any] = {
        "request_id": request_id,
        "correlation_id": "00000000-0000-0000-0000-000000000001",
        "mode": "fast",
        "status": status,
        "node": {
            "kind": "EFFECT",
            "name": "UserWriter",
            "class_name": "NodeUserWriterEffect",
            "domain": "users",
            "path": "/out/node_user_writer_effect",
        },
        "quality_score": 0.95,
        "quality": {"imports": 1.0},
        "cost_usd": 0.0,
        "duration_ms": 1234.5,
        "stages": [],
        "gates": [],
        "files": [],
        "error": None if status == "published" else f"it was {status}",
    }
    return GenerationResult(**{**values, **changes})


class FakeRun:
    """Stands in for `run_in_process`: keeps what it was asked and answers by `answer`."""

    def __init__(self) -> None:
        self.batches: list[list[AcceptedRequest]] = []
        self.answer: Callable[[AcceptedRequest], GenerationResult] = lambda accepted: a_result(accepted.request_id)

    @property
    def requests(self) -> list[AcceptedRequest]:
        """Everything it was asked, in order."""
        return [accepted for batch in self.batches for accepted in batch]

    def __call__(
        self, requests: Sequence[AcceptedRequest], *, settings: object, on_stage: object = None, platform: object = None
    ) -> list[GenerationResult]:
        self.batches.append(list(requests))
        return [self.answer(accepted) for accepted in requests]


def omniclaude(
    *arguments: str | bytes,
    home: Path,
    stdin: str | bytes = "",
    env: dict[str, str] | None = None,
    timeout_s: float = 240,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    done = subprocess.run(
        [*PROGRAM, *arguments],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        env=environment(home, **(env or {})),
        cwd=cwd or home.parent,
        timeout=timeout_s,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    )


def environment(home: Path, **more: str) -> dict[str, str]:
    """This process's environment without settings of its own, with `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMNICLAUDE_", "NO_COLOR"))}
    return {**kept, "OMNICLAUDE_HOME": str(home), **more}


def objects_of(stdout: str) -> list[dict[str, Any]]:
    """Every line of stdout as JSON: fails when anything else was printed."""
    return [json.loads(line) for line in stdout.splitlines()]
