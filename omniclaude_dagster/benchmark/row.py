"""One line of a benchmark's results: what became of one sample of one task."""

import uuid
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from omniclaude_dagster.stages.model import BenchmarkOutcome, GenerationStatus

# Where the judged body came from: the published node, a node delivered for review, an answer that the pipeline
# refused, or nowhere.
Body = Literal["published", "review", "refused", "none"]
UNUSABLE_TASK = "unusable_task"
BY_MODEL = "model"
CANONICAL = "canonical"


class SampleRow(BaseModel):
    """One sample. `is_passed` counts only what was published; the other verdicts are about the body, wherever it is.

    `quality_score` is the pipeline's for a delivered body; a refused one is judged by the same gates on its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    task: str
    sample: int = Field(ge=0)
    # Who wrote it: BY_MODEL, CANONICAL, or the change that makes a mutant.
    candidate: str = BY_MODEL
    status: GenerationStatus
    body: Body
    is_passed: bool
    is_passed_if_delivered: bool
    is_body_right: bool
    is_body_right_on_base: bool
    quality_score: float
    quality: dict[str, float] = {}
    visible_examples: int = 0
    error_class: str = ""
    detail: str = ""
    # Why it was not published.
    reason: str = ""
    cost_nanousd: int = 0
    duration_ms: float = 0.0
    judge_ms: float = 0.0
    calls: dict[str, int] = {}
    failed_calls: int = 0
    unrecorded_calls: int = 0
    tokens_input: int = 0
    tokens_output: int = 0
    escalations: int = 0
    left_out_inputs: int = 0
    request_id: str = ""
    correlation_id: uuid.UUID
    finished_at: datetime

    @property
    def key(self) -> tuple[str, int]:
        """What a run has once."""
        return self.task, self.sample

    @property
    def is_usable(self) -> bool:
        """False where the task's own canonical solution does not work here, so that nothing was measured."""
        return self.error_class != UNUSABLE_TASK

    @property
    def is_mutant(self) -> bool:
        """Whether a changed solution was put in."""
        return self.candidate not in {BY_MODEL, CANONICAL}

    @property
    def passes_visible(self) -> bool:
        """Whether there are visible examples and all of them pass."""
        return self.visible_examples > 0 and self.quality.get("examples") == 1.0

    def outcome(self, *, run: str, subject: str) -> BenchmarkOutcome:
        """The row as the records keep it."""
        return BenchmarkOutcome(
            benchmark_run=run,
            task_id=self.task,
            sample=self.sample,
            correlation_id=self.correlation_id,
            subject=subject,
            status=self.status,
            is_passed=self.is_passed,
            quality_score=self.quality_score,
            cost_nanousd=self.cost_nanousd,
            duration_ms=self.duration_ms,
            model_calls=sum(self.calls.values()),
            detail=f"{self.candidate}: {self.error_class or 'passed'}",
            finished_at=self.finished_at,
        )
