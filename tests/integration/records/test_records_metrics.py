"""The figures of the platform, on both databases alike: computed by hand here, by the database there."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import text

from omniclaude_dagster.records.learned import DaySummary
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.statistics import wilson
from tests.support.generation_records import make_record
from tests.support.pattern_fakes import pattern_for

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(database_url, tmp_path):
    store = RecordsStore(database_url, tmp_path / "spool")
    yield store
    store.close()


def write(
    store: RecordsStore,
    number: int,
    *,
    ago: timedelta,
    status: str = "published",
    quality: float = 1.0,
    cost_nanousd: int = 10,
    **changes: Any,
) -> None:
    at = NOW - ago
    store.write(
        make_record(
            number,
            started_at=at,
            finished_at=at,
            cost_nanousd=cost_nanousd,
            result={"status": status, "quality_score": quality},
            model_calls=(),
            stage_records=(),
            **changes,
        )
    )


def test_empty_records_have_no_rate_and_no_average(store):
    found = store.metrics_summary(now=NOW)
    assert (found.total.generation_count, found.total.success, found.total.average_quality) == (0, None, None)
    assert found.total.by_status == {"published": 0, "needs_review": 0, "blocked": 0, "failed": 0}
    assert found.patterns == {"active": 0, "quarantined": 0, "retired": 0}
    assert len(found.days) == 30
    assert (found.days[0].day, found.days[-1].day) == (date(2026, 3, 2), date(2026, 3, 31))


def test_the_figures_are_those_of_the_generations_and_none_of_a_benchmark_s(store):
    hour = timedelta(hours=1)
    write(store, 0, ago=hour, quality=1.0, cost_nanousd=5)
    write(store, 1, ago=3 * 24 * hour, quality=0.9)
    write(store, 2, ago=4 * 24 * hour, status="needs_review", quality=0.2)
    write(store, 3, ago=8 * 24 * hour, status="failed", quality=0.0)
    write(store, 4, ago=90 * 24 * hour, quality=0.8)
    write(store, 5, ago=hour, source="benchmark", quality=0.1)
    found = store.metrics_summary(now=NOW)
    assert found.total.by_status == {"published": 3, "needs_review": 1, "blocked": 0, "failed": 1}
    assert found.total.success == wilson(3, 5)
    assert found.total.average_quality == pytest.approx(0.9)
    assert found.total.cost_nanousd == 45
    assert (found.last_week.generation_count, found.last_week.success) == (3, wilson(2, 3))
    assert found.last_week.average_quality == pytest.approx(0.95)
    assert found.week_before.by_status["failed"] == found.week_before.generation_count == 1
    assert (found.week_before.success, found.week_before.average_quality) == (wilson(0, 1), None)
    by_day = {day.day: day for day in found.days if day.generation_count}
    assert list(by_day) == [date(2026, 3, 23), date(2026, 3, 27), date(2026, 3, 28), date(2026, 3, 31)]
    assert by_day[date(2026, 3, 27)] == DaySummary(date(2026, 3, 27), 1, 0, None, 10)
    assert by_day[date(2026, 3, 31)] == DaySummary(date(2026, 3, 31), 1, 1, 1.0, 5)


def test_the_weeks_meet_without_a_gap_and_share_no_generation(store):
    week = timedelta(days=7)
    for number, ago in enumerate([timedelta(0), week - timedelta(microseconds=1), week, 2 * week]):
        write(store, number, ago=ago)
    found = store.metrics_summary(now=NOW)
    assert (found.last_week.generation_count, found.week_before.generation_count) == (2, 1)


def test_days_are_those_of_utc_wherever_the_question_comes_from(store):
    if store.database.backend == "postgresql":
        store.migrate()
        with store.database.engine.begin() as connection:
            name = connection.execute(text("SELECT current_database()")).scalar()
            connection.execute(text(f"ALTER DATABASE \"{name}\" SET TimeZone = 'Pacific/Auckland'"))
        store.close()
    write(store, 0, ago=timedelta(hours=12, minutes=1))
    elsewhere = NOW.astimezone(timezone(timedelta(hours=13)))
    (day,) = (d for d in store.metrics_summary(now=elsewhere).days if d.generation_count)
    assert day.day == date(2026, 3, 30)


def test_a_sum_of_very_much_money_stays_exact(store):
    for number in range(3):
        write(store, number, ago=timedelta(0), cost_nanousd=2**61 + number)
    assert store.metrics_summary(now=NOW).total.cost_nanousd == 3 * 2**61 + 3


def test_patterns_are_counted_by_status(store):
    for number in range(3):
        store.add_pattern(pattern_for(f"number {number}"), vector=None, embedding_model="")
    store.set_pattern_status([pattern_for("number 0").pattern_id], "retired", reason="age")
    assert store.metrics_summary().patterns == {"active": 2, "quarantined": 0, "retired": 1}
