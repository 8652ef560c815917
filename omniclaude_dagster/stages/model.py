"""What stages pass on and leave behind. One `StageRecord` a stage; one `GenerationResult` a request."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from omniclaude_dagster.gates.report import GateResult
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.patterns.model import Pattern, PatternReuse, Vectors
from omniclaude_dagster.providers.model import ModelCall
from omniclaude_dagster.quorum.model import QuorumOutcome

GenerationStatus = Literal["published", "needs_review", "blocked", "failed"]
StageStatus = Literal["completed", "failed", "skipped"]
NANOUSD_PER_USD = 1_000_000_000

# Number and name of each stage, in the order in which they run: verified before published.
STAGES: tuple[tuple[str, str], ...] = (
    ("1", "prompt_parsing"),
    ("1.5", "intelligence_gathering"),
    ("2", "pre_generation_validation"),
    ("3", "code_generation"),
    ("4.5", "event_bus_integration"),
    ("4", "post_generation_validation"),
    ("5.5", "quorum_refinement"),
    ("6", "compilation_testing"),
    ("5", "file_writing"),
)
PUBLISHING_STAGE = "5"


@dataclass(frozen=True)
class StageRecord:
    """What one run of one stage cost and achieved (requirement F, table model_performance)."""

    correlation_id: uuid.UUID
    stage: str
    name: str
    status: StageStatus
    message: str = ""
    model: str | None = None
    tokens_input: int = 0
    tokens_output: int = 0
    latency_ms: float = 0.0
    cost_nanousd: int = 0
    quality_score: float | None = None
    attempts: int = 1
    stage_run_id: uuid.UUID = field(default_factory=uuid.uuid4)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def as_json(self) -> dict[str, Any]:
        """The object that `generate --json` prints for a stage."""
        return {
            "stage": self.stage,
            "name": self.name,
            "status": self.status,
            "model": self.model,
            "tokens_input": self.tokens_input,
            "tokens_output": self.tokens_output,
            "latency_ms": round(self.latency_ms, 3),
            "cost_usd": self.cost_nanousd / NANOUSD_PER_USD,
            "quality_score": self.quality_score,
            "attempts": self.attempts,
            "message": self.message,
        }


class GenerationResult(BaseModel):
    """The object `omniclaude generate --json` prints; also stored with the records."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    request_id: str
    correlation_id: str
    mode: str
    status: GenerationStatus
    node: dict[str, Any]
    quality_score: float
    quality: dict[str, float]
    cost_usd: float
    duration_ms: float
    stages: list[dict[str, Any]]
    gates: list[dict[str, Any]]
    files: list[dict[str, Any]]
    error: str | None = None
    # What the quorum of stage 5.5 said; None where none was asked.
    quorum: dict[str, Any] | None = None
    # What came of the patterns that stage 1.5 found.
    patterns: list[dict[str, Any]] = []


@dataclass(frozen=True)
class GenerationRecord:
    """Everything one generation leaves for the records; written once, idempotent by `correlation_id`."""

    result: GenerationResult
    content_hash: str
    prompt: str
    started_at: datetime
    finished_at: datetime
    stage_records: tuple[StageRecord, ...] = ()
    gate_results: tuple[GateResult, ...] = ()
    model_calls: tuple[ModelCall, ...] = ()
    cost_nanousd: int = 0
    session_id: str | None = None
    project_name: str | None = None
    project_path: str | None = None
    source: str = "library"
    run_id: str | None = None
    logic: dict[str, Any] = field(default_factory=dict)
    # What generates the same node again (`recipe.py`), as text; None where that was not kept.
    recipe: str | None = None
    # Where the node was, or would have been, delivered.
    output_dir: str = ""
    quorum: QuorumOutcome | None = None
    # The node that a person may accept: with the suggested edit, or the one that the quorum blocked.
    waiting: NodeBundle | None = None
    # A dry run delivered nothing, so there is nothing that a person could decide.
    is_preview: bool = False
    # What came of each pattern that stage 1.5 found.
    reuses: tuple[PatternReuse, ...] = ()
    # What the library learns from this generation, with its vector where one could be made.
    learned: Pattern | None = None
    learned_vector: Vectors | None = None
    learned_embedding_model: str = ""


@dataclass(frozen=True)
class BenchmarkOutcome:
    """One sample of one task of `bench code`, judged by the data set's hidden tests."""

    benchmark_run: str
    task_id: str
    sample: int
    correlation_id: uuid.UUID
    # Model or chain that was measured.
    subject: str
    status: GenerationStatus
    is_passed: bool
    quality_score: float
    cost_nanousd: int
    duration_ms: float
    model_calls: int
    detail: str = ""
    finished_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class GenerationJournal(Protocol):
    """Where a finished generation is written (implemented by the records; spools when the database is away)."""

    def write(self, record: GenerationRecord) -> None:
        """Write or spool. Never loses and never doubles a record; raises StorageError only if neither works."""
        ...
