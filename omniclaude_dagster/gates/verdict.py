"""The answer of one gate function, before the registry adds identity and time."""

from collections.abc import Iterable
from dataclasses import dataclass

from omniclaude_dagster.gates.report import GateStatus
from omniclaude_dagster.gates.source import Finding

MAX_SHOWN = 8
MAX_MESSAGE_CHARS = 2000


@dataclass(frozen=True)
class Verdict:
    """What a gate says: a status and one line a person can act on."""

    status: GateStatus
    message: str

    @classmethod
    def of(cls, problems: Iterable[Finding | str], *, passed: str, status: GateStatus = "fail") -> "Verdict":
        """`status` with the problems (each once), or a pass with the message `passed`."""
        unique = list(dict.fromkeys(str(problem) for problem in problems))
        if not unique:
            return cls("pass", passed)
        shown = "; ".join(unique[:MAX_SHOWN])
        more = f"; and {len(unique) - MAX_SHOWN} more" if len(unique) > MAX_SHOWN else ""
        return cls(status, f"{shown[:MAX_MESSAGE_CHARS]}{more}")
