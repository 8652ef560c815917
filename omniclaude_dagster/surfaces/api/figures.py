"""`record_model_performance` takes figures in, `metrics/summary` gives figures out."""

import contextlib
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from starlette.requests import Request

from omniclaude_dagster.errors import RecordsUnavailableError
from omniclaude_dagster.records.learned import ReportedRow
from omniclaude_dagster.surfaces.api.answers import RecordedAnswer, SummaryAnswer, summary_answer
from omniclaude_dagster.surfaces.api.blocking import BlockingWork
from omniclaude_dagster.surfaces.api.guard import CALLER
from omniclaude_dagster.surfaces.api.problems import MAX_ERRORS, FieldProblem, ProblemError
from omniclaude_dagster.surfaces.api.requests import Report, Reports
from omniclaude_dagster.surfaces.api.services import Services


class FigureEndpoints:
    """Both, over the records."""

    def __init__(self, services: Services, work: BlockingWork) -> None:
        self._services = services
        self._work = work

    async def record_model_performance(self, request: Request, reports: Reports) -> RecordedAnswer:
        """Keep measured runs of models, at most 1000 at once. The same id counts once, however often it comes.

        While the records are away the runs wait on disk: they are accepted all the same. An id that is known with
        another content is refused, and the whole batch with it.
        """
        now = datetime.now(UTC)
        rows = [_row(report, reported_by=request.scope[CALLER], now=now) for report in reports.rows]
        await self._work.run(lambda: self._write(rows))
        return RecordedAnswer(accepted_count=len(rows))

    def _write(self, rows: Sequence[ReportedRow]) -> None:
        first: dict[uuid.UUID, ReportedRow] = {}
        for row in rows:
            first.setdefault(row.report_id, row)
        wrong: set[uuid.UUID] = {row.report_id for row in rows if row != first[row.report_id]}
        with contextlib.suppress(RecordsUnavailableError):
            wrong |= self._services.contradicting(tuple(first.values()))
        if wrong:
            places = [number for number, row in enumerate(rows) if row.report_id in wrong]
            detail = "is known with another content"
            raise ProblemError(
                "conflict",
                f"{len(wrong)} of the ids are known with another content; nothing was stored.",
                errors=[FieldProblem(pointer=f"/rows/{n}/id", detail=detail) for n in places[:MAX_ERRORS]],
            )
        self._services.records.write_reported(tuple(first.values()))

    async def metrics_summary(self) -> SummaryAnswer:
        """The state of the platform: success, quality, cost, trend."""
        return summary_answer(await self._work.run(self._services.records.metrics_summary))


def _row(report: Report, *, reported_by: str, now: datetime) -> ReportedRow:
    return ReportedRow(
        report_id=report.id,
        correlation_id=report.correlation_id,
        stage=report.stage,
        model=report.model_name,
        is_success=report.success,
        tokens_input=report.tokens_input,
        tokens_output=report.tokens_output,
        latency_ms=float(report.latency_ms),
        cost_nanousd=report.nanousd,
        quality_score=report.quality_score,
        reported_by=reported_by,
        timestamp=report.timestamp or now,
    )
