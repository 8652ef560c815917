"""Results of gates and the report that the writer demands."""

from dataclasses import dataclass
from typing import Any, Literal

GateStatus = Literal["pass", "warn", "fail", "skipped"]
GatePhase = Literal["pre_generation", "prompt", "post_generation", "compilation"]


@dataclass(frozen=True)
class GateResult:
    """What one gate said about one node."""

    gate: str
    phase: GatePhase
    is_blocking: bool
    status: GateStatus
    message: str
    duration_ms: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` outputs print for a gate."""
        return {
            "gate": self.gate,
            "phase": self.phase,
            "is_blocking": self.is_blocking,
            "status": self.status,
            "message": self.message,
            "duration_ms": round(self.duration_ms, 3),
        }


@dataclass(frozen=True)
class GateReport:
    """All gate results about exactly one bundle. `bundle_sha256` ties the report to the judged bytes."""

    results: tuple[GateResult, ...]
    bundle_sha256: str

    @property
    def blocking_failures(self) -> tuple[GateResult, ...]:
        """Failed gates that forbid publishing."""
        return tuple(r for r in self.results if r.is_blocking and r.status == "fail")

    @property
    def is_passed(self) -> bool:
        """True when there are results and no blocking gate failed."""
        return bool(self.results) and not self.blocking_failures

    def statuses(self) -> dict[str, GateStatus]:
        """Gate id to status."""
        return {r.gate: r.status for r in self.results}
