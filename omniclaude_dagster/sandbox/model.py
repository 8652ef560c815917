"""What can be asked of the sandbox, and what it answers. How it contains code lives in `isolation.py`.

A job carries files and the name of a task in `harness/`; the task runs in one fresh process per job, without
network, secrets or files from outside, under limits. Its answer comes back over a descriptor of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

SandboxStatus = Literal["ok", "error", "timeout", "memory_limit", "output_limit", "crashed", "forged", "unavailable"]


@dataclass(frozen=True)
class SandboxLimits:
    """Limits of one job. The wall clock is enforced by the parent, the rest by the kernel."""

    wall_s: float = 20.0
    cpu_s: int = 20
    memory_bytes: int = 2 * 1024**3
    file_bytes: int = 32 * 1024**2
    output_bytes: int = 1024**2
    open_files: int = 128


@dataclass(frozen=True)
class SandboxJob:
    """`files` are laid out below an otherwise empty work folder; `arguments` must be JSON-able."""

    task: str
    files: Mapping[str, bytes]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    limits: SandboxLimits = field(default_factory=SandboxLimits)


@dataclass(frozen=True)
class SandboxOutcome:
    """`result` is present only with status "ok". `message` says what happened in words, without host paths."""

    status: SandboxStatus
    message: str = ""
    result: Any = None
    stdout: str = ""
    stderr: str = ""
    duration_ms: float = 0.0


class Sandbox(Protocol):
    """Runs untrusted code. Safe to call from several threads."""

    def run(self, job: SandboxJob) -> SandboxOutcome:
        """Run one job to its end. Never raises for what the job does; "unavailable" when nothing can be contained."""
        ...

    def unavailable_reason(self) -> str | None:
        """Why nothing can be executed here, with the cure, or None when the sandbox works."""
        ...

    def close(self) -> None:
        """End the warm workers."""
        ...
