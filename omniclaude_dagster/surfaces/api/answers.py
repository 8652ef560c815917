"""What the service answers: one model an answer. Patterns are handed out as data; nobody runs anything here."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from starlette.responses import Response

from omniclaude_dagster.patterns.model import Found, Offer, PatternSource, PatternStatus, PatternType, StoredPattern
from omniclaude_dagster.records.learned import DaySummary, MetricsSummary, PeriodSummary
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.statistics import Interval

NANOUSD_PER_USD = 1_000_000_000
_SCORE_DIGITS = 6

HealthStatus = Literal["healthy", "degraded", "unhealthy"]


class Answer(BaseModel):
    """What every answer keeps to."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PatternView(Answer):
    """A pattern and what became of it."""

    pattern_id: uuid.UUID
    pattern_type: PatternType
    name: str
    description: str
    node_kind: NodeKind
    domain: str
    systems: tuple[str, ...]
    function: str
    code: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    input_class: str
    output_class: str
    contract: str
    models: dict[str, str]
    request: dict[str, Any]
    examples: tuple[dict[str, Any], ...]
    origin: str
    quality_score: float
    models_used: tuple[str, ...]
    core_version: str
    source: PatternSource
    request_id: str
    correlation_id: uuid.UUID
    created_at: datetime
    content_hash: str
    code_fingerprint: str
    reuse_conditions: tuple[str, ...]
    status: PatternStatus
    usage_count: int
    success_rate: float
    average_quality_score: float
    last_used: datetime | None


class OfferView(Answer):
    """A pattern that fits, with the reasons. `parts`: the shares of the score."""

    rank: Annotated[int, Field(ge=1)]
    score: float
    parts: dict[str, float]
    reasons: tuple[str, ...]
    pattern: PatternView


class FoundPatterns(Answer):
    """Patterns that fit, best first. `degraded` names what was away, so that less may have been found than there is."""

    patterns: tuple[OfferView, ...]
    considered_count: int
    degraded: tuple[str, ...]


class StoredAnswer(Answer):
    """`is_new` is false when the library knew this code already: the use was counted for that pattern."""

    pattern_id: uuid.UUID
    is_new: bool


class IntervalView(Answer):
    """A share with its two-sided 95 % interval."""

    value: float
    low: float
    high: float


class ParsedView(Answer):
    """What was understood of a prompt. Null: not said, and there is a question about it."""

    node_kind: NodeKind | None
    name: str | None
    class_name: str | None
    domain: str
    confidence: float
    questions: tuple[str, ...]
    systems: tuple[str, ...]
    operations: tuple[str, ...]
    features: tuple[str, ...]


class ChainView(Answer):
    """The models that a stage would ask, in this order. `skipped` names those left out, with the reason."""

    stage: str
    models: tuple[str, ...]
    tries_per_model: int
    skipped: tuple[str, ...]


class ExpectedView(Answer):
    """What earlier generations of this kind came to. `quality_score` is of published ones; money is of all."""

    node_kind: NodeKind
    generation_count: int
    success_rate: IntervalView
    quality_score: float | None
    cost_nanousd: int
    cost_usd: float


class AssistAnswer(Answer):
    """What is known about a request before it is generated. `expected` is null where nothing is recorded."""

    parsed: ParsedView
    patterns: tuple[OfferView, ...]
    models: tuple[ChainView, ...]
    expected: ExpectedView | None
    degraded: tuple[str, ...]


class RecordedAnswer(Answer):
    """How many rows were taken. A row whose id was known already changes nothing."""

    accepted_count: int


class PeriodView(Answer):
    """Generations of a period. `success_rate` and `average_quality` are null where there is nothing to average."""

    generation_count: int
    by_status: dict[str, int]
    success_rate: IntervalView | None
    average_quality: float | None
    cost_nanousd: int
    cost_usd: float


class DayView(Answer):
    """One day, by UTC."""

    day: date
    generation_count: int
    published_count: int
    average_quality: float | None
    cost_nanousd: int
    cost_usd: float


class SummaryAnswer(Answer):
    """The state of the platform. `days`: the last 30, the oldest first."""

    now: datetime
    total: PeriodView
    last_week: PeriodView
    week_before: PeriodView
    days: tuple[DayView, ...]
    patterns: dict[str, int]


class PartView(Answer):
    """One part that the service needs."""

    status: Literal["ok", "degraded", "away"]
    detail: str


class HealthAnswer(Answer):
    """Every part was really tried, a moment ago at most."""

    status: HealthStatus
    parts: dict[str, PartView]


def json_answer(answer: Answer | Mapping[str, Any], *, status: int = 200) -> Response:
    """The answer as it goes out. It is not checked once more: tests hold every answer against its declared model."""
    content = answer.model_dump_json() if isinstance(answer, Answer) else to_json(answer)
    return Response(content, status, media_type="application/json")


def pattern_view(stored: StoredPattern) -> dict[str, Any]:
    """A PatternView as plain data: making the model would take longer than finding the pattern's place."""
    pattern = stored.pattern
    view = {name: getattr(pattern, name) for name in _PATTERN_FIELDS}
    return view | {name: getattr(stored, name) for name in _STORED_FIELDS}


_STORED_FIELDS = ("status", "usage_count", "success_rate", "average_quality_score", "last_used")
_PATTERN_FIELDS = tuple(name for name in PatternView.model_fields if name not in _STORED_FIELDS)


def offer_views(offers: tuple[Offer, ...]) -> list[dict[str, Any]]:
    """OfferViews as plain data, ranked from 1."""
    return [
        {
            "rank": rank,
            "score": round(offer.score, _SCORE_DIGITS),
            "parts": {name: round(value, _SCORE_DIGITS) for name, value in offer.parts.items()},
            "reasons": offer.reasons,
            "pattern": pattern_view(offer.stored),
        }
        for rank, offer in enumerate(offers, start=1)
    ]


def found_patterns(found: Found) -> dict[str, Any]:
    """A FoundPatterns as plain data."""
    return {
        "patterns": offer_views(found.offers),
        "considered_count": found.considered_count,
        "degraded": public_reasons(found.degraded),
    }


def public_reasons(degraded: Iterable[str]) -> tuple[str, ...]:
    """What is away, without why: after the colon stand messages with addresses and paths, and they are for the log."""
    return tuple(reason.partition(": ")[0] for reason in degraded)


def interval_view(interval: Interval) -> IntervalView:
    """Rounded to 4 decimals."""
    return IntervalView(**interval.as_json())


def summary_answer(summary: MetricsSummary) -> SummaryAnswer:
    """The figures of the records."""
    return SummaryAnswer(
        now=summary.now,
        total=_period(summary.total),
        last_week=_period(summary.last_week),
        week_before=_period(summary.week_before),
        days=tuple(_day(day) for day in summary.days),
        patterns={str(status): count for status, count in summary.patterns.items()},
    )


def _period(period: PeriodSummary) -> PeriodView:
    return PeriodView(
        generation_count=period.generation_count,
        by_status={str(status): count for status, count in period.by_status.items()},
        success_rate=None if period.success is None else interval_view(period.success),
        average_quality=period.average_quality,
        cost_nanousd=period.cost_nanousd,
        cost_usd=period.cost_nanousd / NANOUSD_PER_USD,
    )


def _day(day: DaySummary) -> DayView:
    return DayView(**asdict(day), cost_usd=day.cost_nanousd / NANOUSD_PER_USD)
