"""What the service asks for its answers, as protocols: the real parts and the fakes of the tests fit alike."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Literal, Protocol

from omniclaude_dagster.patterns.model import Added, Pattern, PatternFinder
from omniclaude_dagster.providers.chains import ResolvedChain
from omniclaude_dagster.records.kind_figures import KindFigures
from omniclaude_dagster.records.learned import MetricsSummary, ReportedRow
from omniclaude_dagster.request.model import NodeKind

PartStatus = Literal["ok", "degraded", "away"]
VITAL = frozenset({"records"})


@dataclass(frozen=True)
class PartHealth:
    """How one part is. `detail` is shown to everybody: no address, no path, no secret."""

    status: PartStatus
    detail: str = ""


class PatternAdder(Protocol):
    """Takes a pattern into the library."""

    def add(self, pattern: Pattern) -> Added:
        """Store it, or count a use of its duplicate. Raises RecordsUnavailableError."""
        ...


class Records(Protocol):
    """What the service reads from and writes to the records."""

    def write_reported(self, rows: Iterable[ReportedRow]) -> object:
        """Keep what was reported; a row whose id is known changes nothing."""
        ...

    def metrics_summary(self) -> MetricsSummary:
        """The figures of everything. Raises RecordsUnavailableError."""
        ...


@dataclass(frozen=True)
class Services:
    """Everything behind the endpoints. Safe for threads.

    `contradicting`: ids of reports that are known with another content; raises RecordsUnavailableError.
    `kind_figures`: of the last generations of a kind, None where there are none; raises RecordsUnavailableError.
    `chain_for`: the models that a stage asks. `health`: really tries every part; the service is unhealthy when one of
    `VITAL` is away, and degraded when anything else is not as it should be.
    """

    finder: PatternFinder
    adder: PatternAdder
    records: Records
    contradicting: Callable[[Sequence[ReportedRow]], Set[uuid.UUID]]
    kind_figures: Callable[[NodeKind], KindFigures | None]
    chain_for: Callable[[str], ResolvedChain]
    health: Callable[[], Mapping[str, PartHealth]]
    # Whether a search asks nothing beyond this process and a local file.
    is_in_process: bool = False
    # Called once before the first request, and once after the last.
    warm_up: Callable[[], None] = lambda: None
    close: Callable[[], None] = lambda: None
