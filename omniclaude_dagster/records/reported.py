"""Which runs that another program reports contradict what was reported under the same id before."""

import uuid
from collections.abc import Sequence

from sqlalchemy import Connection, select

from omniclaude_dagster.records.learned import ReportedRow
from omniclaude_dagster.records.learned_rows import reported_row
from omniclaude_dagster.records.learning_schema import ReportedPerformance
from omniclaude_dagster.records.rows import storable

_TABLE = ReportedPerformance.__table__
# Where a report names no time it gets the time of its arrival, another one each time it comes.
_COMPARED = tuple(c.name for c in _TABLE.columns if c.computed is None and c.name not in {"id", "timestamp"})


def contradicting(connection: Connection, reported: Sequence[ReportedRow]) -> frozenset[uuid.UUID]:
    """Ids that are there already, with another content."""
    given = {row.report_id: storable(reported_row(row)) for row in reported}
    query = select(_TABLE).where(ReportedPerformance.id.in_(list(given)))
    return frozenset(
        stored["id"]
        for stored in connection.execute(query).mappings()
        if any(storable(stored[name]) != given[stored["id"]][name] for name in _COMPARED)
    )
