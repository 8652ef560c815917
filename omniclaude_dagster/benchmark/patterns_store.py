"""Fills the library of `bench patterns` with the canonical solutions of the store half, through the whole pipeline.

A solution becomes a pattern only as it would in everyday use: published, executed, of high quality. Those that do
not get there are counted. The library is the same for every model that is measured with the same data and seed.
"""

import asyncio
import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from omniclaude_dagster.benchmark.judge import HiddenTestJudge
from omniclaude_dagster.benchmark.ledger import Ledger
from omniclaude_dagster.benchmark.patterns_platforms import FrozenLibrary, StorePlatform
from omniclaude_dagster.benchmark.patterns_solutions import fitted_solution
from omniclaude_dagster.benchmark.row import CANONICAL, SampleRow
from omniclaude_dagster.benchmark.run import RunProgress
from omniclaude_dagster.benchmark.sampling import Sample, Sampler
from omniclaude_dagster.benchmark.tasks import BenchmarkTask
from omniclaude_dagster.errors import OutsideError
from omniclaude_dagster.patterns.library import PatternLibrary
from omniclaude_dagster.patterns.model import MIN_QUALITY, Embedder, PatternStore, StoredPattern
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.settings import Settings

_PAGE = 500


async def fill(
    tasks: Sequence[BenchmarkTask],
    platform: StorePlatform,
    ledger: Ledger[SampleRow],
    *,
    expected_folder: Path,
    progress: RunProgress,
    end_sandbox: Callable[[], None],
) -> None:
    """Generate from every solution that was not yet; each is in the records and in the ledger when this returns.

    `end_sandbox` lets threads go that wait for it after a failure.
    """
    kept = {row.task for row in ledger.rows}
    progress.begin(ledger.rows, total=len(tasks))
    judge = HiddenTestJudge(platform.sandbox, expected_folder)
    nodes = platform.settings.home_path / "nodes"
    sampler = Sampler(platform, judge, ledger.header.run_id, nodes, platform.solutions)
    waiting = iter([task for task in tasks if task.task_id not in kept])

    async def worker() -> None:
        for task in waiting:
            row = await sampler.take(Sample(task, 0, CANONICAL, fitted_solution(task)))
            judge.expected.forget(task)
            ledger.append(row)
            progress.advance(row)

    is_done = False
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(platform.settings.max_concurrency):
                group.create_task(worker())
        is_done = True
    except BaseExceptionGroup as failures:
        # The workers do the same work: the first failure stands for all.
        raise failures.exceptions[0] from None
    finally:
        if not is_done:
            end_sandbox()


@dataclass(frozen=True)
class FilledLibrary:
    """The library as it stands when the first query task is asked.

    `origins`: request id of a store task's generation to the task. `revision`: grows when anything in it changes.
    """

    patterns: tuple[StoredPattern, ...]
    origins: Mapping[str, BenchmarkTask]
    revision: int
    store: PatternStore
    finder: FrozenLibrary

    @property
    def sha256(self) -> str:
        """Hash of which code there is and what it is for; not of when it was generated."""
        parts = sorted(f"{one.pattern.code_fingerprint} {one.pattern.text}" for one in self.patterns)
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

    def task_of(self, request_id: str) -> str:
        """The store task of a pattern, by the request it was learned from."""
        task = self.origins.get(request_id)
        return task.task_id if task is not None else "unknown"


@contextlib.contextmanager
def open_library(
    settings: Settings, rows: Sequence[SampleRow], tasks: Sequence[BenchmarkTask], *, embedder: Embedder
) -> Iterator[FilledLibrary]:
    """The library in the settings' home. Raises OutsideError when nothing in it can be found by meaning."""
    records = RecordsStore(settings.records_url, settings.home_path / "spool")
    with contextlib.closing(records):
        by_id = {task.task_id: task for task in tasks}
        patterns = tuple(_all_patterns(records))
        if not patterns:
            raise OutsideError(
                "no solution of the store half became a pattern, so there is no library to measure.",
                cure="omniclaude doctor shows whether the sandbox works; else begin again with --fresh",
            )
        library = PatternLibrary(records, embedder)
        with contextlib.closing(library):
            yield FilledLibrary(
                patterns=patterns,
                origins={row.request_id: by_id[row.task] for row in rows if row.task in by_id},
                revision=records.pattern_revision(),
                store=records,
                finder=FrozenLibrary(library, moment=_newest(patterns)),
            )


def counts_of(rows: Sequence[SampleRow], library: FilledLibrary) -> dict[str, Any]:
    """How many solutions became patterns, and why the others did not."""
    good = [row for row in rows if row.status == "published" and row.quality_score >= MIN_QUALITY]
    learned = {one.pattern.request_id for one in library.patterns}
    return {
        "tasks": len(rows),
        "status": dict(Counter(row.status for row in rows if row.is_usable).most_common()),
        "unusable_tasks": sum(not row.is_usable for row in rows),
        "published_of_high_quality": len(good),
        "patterns": len(library.patterns),
        "same_code_as_another": sum(row.request_id not in learned for row in good),
        "patterns_failing_their_own_hidden_tests": sum(
            row.request_id in learned and not row.is_body_right for row in rows
        ),
        "sha256": library.sha256,
    }


def _all_patterns(store: PatternStore) -> Iterator[StoredPattern]:
    revision = 0
    while changes := store.pattern_changes(revision, limit=_PAGE, with_vectors=False):
        revision = changes[-1].revision
        yield from store.patterns([change.pattern_id for change in changes])


def _newest(patterns: Sequence[StoredPattern]) -> datetime:
    return max(one.pattern.created_at for one in patterns)
