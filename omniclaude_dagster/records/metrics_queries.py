"""The figures of `metrics_summary`, added up by the database. Benchmark generations count in none of them."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

from sqlalchemy import ColumnElement, Connection, case, func, select

from omniclaude_dagster.patterns.model import PatternStatus
from omniclaude_dagster.records import pattern_queries
from omniclaude_dagster.records.learned import DaySummary, MetricsSummary, PeriodSummary
from omniclaude_dagster.records.learned_rows import BENCHMARK_SOURCE
from omniclaude_dagster.records.schema import Generation
from omniclaude_dagster.stages.model import GenerationStatus
from omniclaude_dagster.statistics import wilson

DAYS = 30
_WEEK = timedelta(days=7)
_G = Generation


def metrics_summary(connection: Connection, *, now: datetime) -> MetricsSummary:
    """Everything, from one transaction."""
    counts = pattern_queries.counts(connection)
    return MetricsSummary(
        now=now,
        total=_period(connection),
        last_week=_period(connection, _G.finished_at > now - _WEEK, _G.finished_at <= now),
        week_before=_period(connection, _G.finished_at > now - 2 * _WEEK, _G.finished_at <= now - _WEEK),
        days=_days(connection, now=now),
        patterns={status: counts.get(status, 0) for status in get_args(PatternStatus)},
    )


def _period(connection: Connection, *conditions: ColumnElement[bool]) -> PeriodSummary:
    query = (
        select(_G.status, func.count(), func.avg(_G.quality_score), func.sum(_G.cost_nanousd))
        .where(_G.source != BENCHMARK_SOURCE, *conditions)
        .group_by(_G.status)
    )
    found = {status: (count, quality, int(cost)) for status, count, quality, cost in connection.execute(query)}
    by_status = {status: found[status][0] if status in found else 0 for status in get_args(GenerationStatus)}
    return PeriodSummary(
        by_status=by_status,
        success=wilson(by_status["published"], sum(by_status.values())),
        average_quality=found["published"][1] if "published" in found else None,
        cost_nanousd=sum(cost for _, _, cost in found.values()),
    )


def _days(connection: Connection, *, now: datetime) -> tuple[DaySummary, ...]:
    last = now.astimezone(UTC).date()
    wanted = [last - timedelta(days=back) for back in reversed(range(DAYS))]
    # SQLite holds times in UTC; PostgreSQL would name the day of the session's time zone.
    is_postgresql = connection.dialect.name == "postgresql"
    day = func.date(func.timezone("UTC", _G.finished_at) if is_postgresql else _G.finished_at)
    is_published = _G.status == "published"
    query = (
        select(
            day.label("day"),
            func.count().label("all"),
            func.sum(case((is_published, 1), else_=0)).label("published"),
            func.avg(case((is_published, _G.quality_score))).label("quality"),
            func.sum(_G.cost_nanousd).label("cost"),
        )
        .where(
            _G.source != BENCHMARK_SOURCE,
            _G.finished_at >= datetime(wanted[0].year, wanted[0].month, wanted[0].day, tzinfo=UTC),
            _G.finished_at <= now,
        )
        .group_by(day)
    )
    found = _by_day(connection.execute(query))
    return tuple(found.get(day, DaySummary(day, 0, 0, None, 0)) for day in wanted)


def _by_day(rows: Iterable[Any]) -> dict[date, DaySummary]:
    days = {}
    for named, count, published, quality, cost in rows:
        day = date.fromisoformat(named) if isinstance(named, str) else named
        days[day] = DaySummary(day, count, int(published), quality, int(cost))
    return days
