"""What the records tell about learning, as plain objects: use of patterns, votes, decisions, reported runs, figures.

Patterns themselves are `patterns.model.StoredPattern`. Holds no SQL; `read_back.py` makes these from rows.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

from omniclaude_dagster.patterns.model import PatternStatus, ReuseRole
from omniclaude_dagster.quorum.model import Decision, SeatVerdict
from omniclaude_dagster.stages.model import GenerationStatus
from omniclaude_dagster.statistics import Interval

# none: the quorum itself decided. open: a person has not decided yet.
ReviewState = Literal["none", "open", "accepted", "refused"]


@dataclass(frozen=True)
class ReuseRow:
    """What came of one pattern in one generation, and what came of the generation.

    `rank` counts from 1 as stage 1.5 found it; 0 says that it was not found there, and its role is `repeated`.
    `node_kind` is empty for a generation that is not in these records.
    """

    correlation_id: uuid.UUID
    pattern_id: uuid.UUID
    request_id: str
    role: ReuseRole
    rank: int
    score: float
    is_success: bool
    quality_score: float
    cost_nanousd: int
    model_calls: int
    timestamp: datetime
    reasons: tuple[str, ...] = ()
    detail: str = ""
    node_kind: str = ""


@dataclass(frozen=True)
class VoteRow:
    """One ballot of one seat. `score` and `verdict` are None for an abstention.

    `is_right`: whether what was judged is known to be right, where that is known; not whether the vote was.
    `case_id`: of a benchmark's case; None for a vote about a generation.
    """

    correlation_id: uuid.UUID
    panel: str
    seat: str
    model: str
    weight: float
    score: float | None = None
    verdict: SeatVerdict | None = None
    abstained_because: str = ""
    deficiencies: tuple[Mapping[str, Any], ...] = ()
    edit: Mapping[str, Any] = field(default_factory=dict)
    latency_ms: float = 0.0
    cost_nanousd: int = 0
    benchmark_run: str | None = None
    case_id: str | None = None
    is_right: bool | None = None
    timestamp: datetime = field(default_factory=lambda: datetime.now(UTC))
    vote_id: uuid.UUID = field(default_factory=uuid.uuid4)


@dataclass(frozen=True)
class QuorumDecisionRow:
    """What the quorum decided about one generation, and what a person decided about that.

    `edits`: what was proposed and what executing it showed; `is_applied` or `is_suggested` marks the chosen one.
    `files`: the node as acceptance would deliver it, path to text; empty where nothing waits, or where the node was
    delivered as it is.
    """

    correlation_id: uuid.UUID
    request_id: str
    panel: str
    decision: Decision
    score: float | None
    participation: float
    dispersion: float | None
    reason: str
    edits: tuple[Mapping[str, Any], ...]
    diff: str
    package_name: str
    files: Mapping[str, str]
    output_dir: str
    review: ReviewState
    review_note: str
    reviewed_at: datetime | None
    timestamp: datetime


@dataclass(frozen=True)
class ReportedRow:
    """A run of a model that another program measured. `report_id` is the producer's: the same one counts once."""

    report_id: uuid.UUID
    correlation_id: uuid.UUID
    stage: str
    model: str
    is_success: bool
    tokens_input: int = 0
    tokens_output: int = 0
    latency_ms: float = 0.0
    cost_nanousd: int = 0
    quality_score: float | None = None
    reported_by: str = ""
    timestamp: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class PeriodSummary:
    """Generations that finished in one period, without those of benchmarks.

    `success`: share of published ones with its Wilson interval; `average_quality`: of published ones. Both are None
    where there is nothing to average.
    """

    by_status: Mapping[GenerationStatus, int]
    success: Interval | None
    average_quality: float | None
    cost_nanousd: int

    @property
    def generation_count(self) -> int:
        """Generations of any status."""
        return sum(self.by_status.values())


@dataclass(frozen=True)
class DaySummary:
    """One day, by UTC."""

    day: date
    generation_count: int
    published_count: int
    average_quality: float | None
    cost_nanousd: int


@dataclass(frozen=True)
class MetricsSummary:
    """The state of the platform in figures. `days` are the last 30, the oldest first, empty ones included.

    `last_week` are the 7 days before `now`, `week_before` the 7 days before those.
    """

    now: datetime
    total: PeriodSummary
    last_week: PeriodSummary
    week_before: PeriodSummary
    days: Sequence[DaySummary]
    patterns: Mapping[PatternStatus, int]
