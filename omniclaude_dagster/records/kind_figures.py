"""What the last generations of one kind came to: what a new one of that kind may be expected to come to."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from omniclaude_dagster.records.learned_rows import BENCHMARK_SOURCE
from omniclaude_dagster.records.schema import Generation
from omniclaude_dagster.statistics import Interval, wilson

_LAST = 200


@dataclass(frozen=True)
class KindFigures:
    """Of the last generations of a kind, at most 200, without those of benchmarks.

    `success`: share of published ones. `average_quality`: of published ones, None where there are none.
    `average_cost_nanousd`: of all.
    """

    generation_count: int
    success: Interval
    average_quality: float | None
    average_cost_nanousd: int


def kind_figures(connection: Connection, node_kind: str) -> KindFigures | None:
    """The figures of a kind; None where nothing is recorded."""
    query = (
        select(Generation.status, Generation.quality_score, Generation.cost_nanousd)
        .where(Generation.node_kind == node_kind, Generation.source != BENCHMARK_SOURCE)
        .order_by(Generation.finished_at.desc())
        .limit(_LAST)
    )
    rows = connection.execute(query).all()
    qualities = [row.quality_score for row in rows if row.status == "published"]
    success = wilson(len(qualities), len(rows))
    if success is None:
        return None
    return KindFigures(
        generation_count=len(rows),
        success=success,
        average_quality=sum(qualities) / len(qualities) if qualities else None,
        average_cost_nanousd=round(sum(row.cost_nanousd for row in rows) / len(rows)),
    )
