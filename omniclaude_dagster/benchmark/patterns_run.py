"""Runs `bench patterns` from the data set to the figures: split, fill, check for leaks, take pairs, sum up.

    tasks -> halves -> library (store half) -> leak check -> query half, each task twice -> report

Nothing is measured with a library that holds anything of the query tasks, and the library never changes meanwhile.
"""

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omniclaude_dagster.benchmark.expected import ExpectedAnswers
from omniclaude_dagster.benchmark.judge import HiddenTestJudge
from omniclaude_dagster.benchmark.ledger import Ledger, RunHeader, open_ledger, open_ledger_of, read_header
from omniclaude_dagster.benchmark.patterns_arms import (
    Asked,
    PairTaker,
    arm_platforms,
    ask_live,
    ask_records,
    sandbox_owner,
    take_pairs,
)
from omniclaude_dagster.benchmark.patterns_leaks import HiddenTests, LeakFoundError, LeakReport, check_leaks
from omniclaude_dagster.benchmark.patterns_neighbours import Neighbourhood, neighbourhood
from omniclaude_dagster.benchmark.patterns_plan import PatternsFolders, PatternsPlan
from omniclaude_dagster.benchmark.patterns_platforms import StorePlatform, isolated
from omniclaude_dagster.benchmark.patterns_report import report_of
from omniclaude_dagster.benchmark.patterns_row import ArmRow
from omniclaude_dagster.benchmark.patterns_split import Halves, halves_of
from omniclaude_dagster.benchmark.patterns_store import FilledLibrary, counts_of, fill, open_library
from omniclaude_dagster.benchmark.platform import BenchmarkPlatform
from omniclaude_dagster.benchmark.row import SampleRow
from omniclaude_dagster.benchmark.run import RunProgress, new_header, recording, remember_recording
from omniclaude_dagster.benchmark.subject import Measured
from omniclaude_dagster.benchmark.tasks import BenchmarkTask
from omniclaude_dagster.errors import RequestError, SandboxUnavailableError
from omniclaude_dagster.patterns.embedding import build_embedder
from omniclaude_dagster.patterns.model import Embedder
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.sandbox.model import Sandbox
from omniclaude_dagster.settings import Settings

# From what is going on to who is told of its samples.
OnPhase = Callable[[str], contextlib.AbstractContextManager[RunProgress]]


@dataclass(frozen=True)
class Measurement:
    """One command. `results`: where the lines go, if a person named a file. `sandbox`: one that is lent."""

    plan: PatternsPlan
    settings: Settings
    on_phase: OnPhase
    results: Path | None = None
    is_fresh: bool = False
    sandbox: Sandbox | None = None

    def carry_out(self) -> dict[str, Any]:
        """The report. Raises LeakFoundError, and what a model's host, the records or the sandbox raise."""
        embedder = build_embedder(self.settings)
        halves = halves_of(self.plan.data.tasks, seed=self.plan.seed)
        near = neighbourhood(halves.store, halves.query, embedder=embedder)
        tasks = near.tasks[: self.plan.limit]
        if not tasks:
            raise RequestError(
                "every query task is nearly a task of the store half; nothing is left to measure.",
                cure="give a data set with more tasks, or another --seed",
            )
        with contextlib.ExitStack() as stack:
            asked = self._asked(stack)
            owner = stack.enter_context(sandbox_owner(self._arm_settings, asked, sandbox=self.sandbox))
            _require_sandbox(owner)
            ledger = stack.enter_context(self._filled(halves, owner))
            library = stack.enter_context(
                open_library(self._library_settings, ledger.rows, halves.store, embedder=embedder)
            )
            leaks = self._checked(library, tasks, owner)
            results = stack.enter_context(self._opened_results(library))
            if not self.plan.is_replay:
                remember_recording(
                    self._folders.runs, self.plan, results.header.run_id, Measured(owner, asked.chains_asked)
                )
            rows = self._pairs(tasks, near, library, results, asked, owner)
            _require_unchanged(library)
            return {
                **report_of(rows, results.header),
                "split": _split_of(halves, near, measured=len(tasks)),
                "library": counts_of(ledger.rows, library),
                "leak_check": leaks.as_json(),
                "results": str(results.path),
            }

    @property
    def _folders(self) -> PatternsFolders:
        return PatternsFolders.of(self.settings)

    @property
    def _library_settings(self) -> Settings:
        return isolated(self.settings, self._folders.library(self.plan))

    @property
    def _arm_settings(self) -> Settings:
        return isolated(self.settings, self._folders.runs.run(self.plan))

    def _asked(self, stack: contextlib.ExitStack) -> Asked:
        """Before anything is filled: a name that nobody knows, or a host that is away, is told at once."""
        if not self.plan.is_replay:
            return asyncio.run(ask_live(self.plan.subject, self._arm_settings))
        recorded_run, chains = recording(self._folders.runs, self.plan)
        records = RecordsStore(self._arm_settings.records_url, self._arm_settings.home_path / "spool")
        stack.enter_context(contextlib.closing(records))
        return ask_records(records, recorded_run=recorded_run, chains_asked=chains)

    @contextlib.contextmanager
    def _filled(self, halves: Halves, owner: BenchmarkPlatform) -> Iterator[Ledger[SampleRow]]:
        """The ledger of the filled library. It stays open, so that nobody else begins the library again meanwhile."""
        settings = self._library_settings
        header = new_header(self.plan)
        header = RunHeader(header.run_id, self.plan.library_settings)
        is_fresh = self.is_fresh and not self.plan.is_replay
        with open_ledger(settings.home_path / "results.jsonl", header, is_fresh=is_fresh) as ledger:
            if not ledger.rows:
                _remove_library(settings.home_path)
            with (
                StorePlatform(settings, sandbox=owner.sandbox) as platform,
                self.on_phase("filling the library") as told,
            ):
                asyncio.run(
                    fill(
                        halves.store,
                        platform,
                        ledger,
                        expected_folder=self._folders.expected,
                        progress=told,
                        end_sandbox=owner.end_sandbox,
                    )
                )
            yield ledger

    def _checked(self, library: FilledLibrary, tasks: Sequence[BenchmarkTask], owner: BenchmarkPlatform) -> LeakReport:
        answers = ExpectedAnswers(owner.sandbox, self._folders.expected)

        def hidden_tests(task: BenchmarkTask) -> HiddenTests:
            try:
                return HiddenTests.of(task, answers.of(task))
            except RequestError:
                # Its own solution does not work here: it is not measured either.
                return HiddenTests(task)
            finally:
                answers.forget(task)

        with ThreadPoolExecutor(self.settings.sandbox_workers) as pool:
            queries = list(pool.map(hidden_tests, tasks))
        report = check_leaks([one.pattern for one in library.patterns], origins=library.origins, queries=queries)
        report.require_clean()
        return report

    @contextlib.contextmanager
    def _opened_results(self, library: FilledLibrary) -> Iterator[Ledger[ArmRow]]:
        path = (self.results or self._folders.runs.results(self.plan)).expanduser().absolute()
        header = new_header(self.plan)
        header = RunHeader(header.run_id, {**header.settings, "library": library.sha256})
        # A replay costs nothing and counts the answers it gave, so it always begins again, but only over a replay.
        kept = read_header(path) if self.plan.is_replay else None
        is_fresh = self.is_fresh or (kept is not None and kept.settings == header.settings)
        with open_ledger_of(ArmRow, path, header, is_fresh=is_fresh) as ledger:
            yield ledger

    def _pairs(
        self,
        tasks: Sequence[BenchmarkTask],
        near: Neighbourhood,
        library: FilledLibrary,
        results: Ledger[ArmRow],
        asked: Asked,
        owner: BenchmarkPlatform,
    ) -> list[ArmRow]:
        nodes = self._folders.runs.run(self.plan) / ("replay-nodes" if self.plan.is_replay else "nodes")
        with (
            arm_platforms(self._arm_settings, asked, library, sandbox=owner.sandbox) as platforms,
            self.on_phase("with and without the library") as told,
        ):
            judge = HiddenTestJudge(owner.sandbox, self._folders.expected)
            taker = PairTaker(platforms, library, judge, near.nearest, nodes, results.header.run_id)
            return asyncio.run(
                take_pairs(tasks, taker, results, asked=asked, progress=told, end_sandbox=owner.end_sandbox)
            )


def embedding_model_of(settings: Settings) -> str:
    """Name of the model that the library's texts are embedded with."""
    embedder: Embedder = build_embedder(settings)
    return embedder.model_name


def _require_sandbox(owner: BenchmarkPlatform) -> None:
    reason = owner.sandbox.unavailable_reason()
    if reason is not None:
        raise SandboxUnavailableError(reason, cure="hidden tests run in the sandbox only; see omniclaude doctor")


def _remove_library(home: Path) -> None:
    """What a run left that was ended before its first result, or that is to begin again."""
    for path in home.glob("records.sqlite3*"):
        path.unlink(missing_ok=True)
    shutil.rmtree(home / "nodes", ignore_errors=True)


def _require_unchanged(library: FilledLibrary) -> None:
    now = library.store.pattern_revision()
    if now != library.revision:
        raise LeakFoundError(
            f"the library changed while it was measured (revision {library.revision}, now {now}).",
            cure="begin again with --fresh, with nothing else at work on this home folder",
        )


def _split_of(halves: Halves, near: Neighbourhood, *, measured: int) -> dict[str, Any]:
    return {"store": len(halves.store), "query": len(halves.query), **near.as_json(), "measured": measured}
