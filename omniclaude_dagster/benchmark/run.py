"""Runs a benchmark: which samples there are, which are still to be taken, and taking them a few at a time.

Results reach the disk one by one, so a run can be ended at any moment and goes on later.
"""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from omniclaude_dagster.atomic_files import storage_error, write_atomically
from omniclaude_dagster.benchmark.judge import HiddenTestJudge
from omniclaude_dagster.benchmark.ledger import Ledger, RunHeader
from omniclaude_dagster.benchmark.mutants import mutants_of
from omniclaude_dagster.benchmark.platform import BenchmarkPlatform
from omniclaude_dagster.benchmark.row import CANONICAL, SampleRow
from omniclaude_dagster.benchmark.sampling import Sample, Sampler
from omniclaude_dagster.benchmark.subject import Measured, Subject
from omniclaude_dagster.benchmark.tasks import DataSet
from omniclaude_dagster.errors import RequestError, SandboxUnavailableError
from omniclaude_dagster.providers.chains import ResolvedChain
from omniclaude_dagster.settings import Settings


@dataclass(frozen=True)
class Plan:
    """What a run is to do. `samples` counts the model's samples of a task, `mutants` the mutants beside a solution."""

    data: DataSet
    subject: Subject
    samples: int = 1
    mutants: int = 0
    seed: int = 0
    is_replay: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the results depend on; two runs with other settings are never mixed."""
        return {
            "data": self.data.name,
            "data_sha256": self.data.sha256,
            "subject": self.subject.label,
            "temperature": self.subject.temperature,
            "samples": self.samples,
            "mutants": self.mutants,
            "seed": self.seed,
            "replay": self.is_replay,
            "release": version("omniclaude-dagster"),
        }

    @property
    def name(self) -> str:
        """Folder of the run: readable, and different for different settings."""
        # A replay is compared with the run it repeats, so it shares its name; a new release continues no old run.
        keyed = {k: v for k, v in self.settings.items() if k not in {"replay", "release"}}
        key = hashlib.sha256(json.dumps(keyed, sort_keys=True).encode()).hexdigest()[:8]
        words = f"{self.data.name}-{self.subject.name}".lower()
        return f"{''.join(c if c.isalnum() or c in '.-' else '-' for c in words)[:60]}-{key}"

    def all_samples(self) -> Iterator[Sample]:
        """Every sample, task by task."""
        for task in self.data.tasks:
            if self.subject.kind != "solutions":
                yield from (Sample(task, number) for number in range(self.samples))
                continue
            yield Sample(task, 0, CANONICAL, task.solution)
            found = mutants_of(task.solution, task.entry_point, count=self.mutants, seed=self.seed)
            yield from (Sample(task, n, m.change, m.source) for n, m in enumerate(found, 1))


@dataclass(frozen=True)
class BenchmarkFolders:
    """Where a home folder keeps benchmarks."""

    root: Path

    @classmethod
    def of(cls, settings: Settings) -> "BenchmarkFolders":
        """Those of the settings' home."""
        return cls(settings.home_path / "bench")

    @property
    def expected(self) -> Path:
        """Expected answers by task."""
        return self.root / "expected"

    def run(self, plan: Plan) -> Path:
        """Everything of one run."""
        return self.root / plan.name

    def results(self, plan: Plan) -> Path:
        """Where its results go unless a person names another file."""
        return self.run(plan) / ("replay.jsonl" if plan.is_replay else "results.jsonl")


def new_header(plan: Plan) -> RunHeader:
    """A run that begins now."""
    return RunHeader(f"{plan.name}-{secrets.token_hex(4)}", plan.settings)


def remember_recording(folders: BenchmarkFolders, plan: Plan, run_id: str, measured: Measured) -> None:
    """Note what a later `--replay` of the same command needs: the run whose answers to take, and whom it asked."""
    document = {"run_id": run_id, "asked": {stage: asdict(chain) for stage, chain in measured.asked.items()}}
    path = folders.run(plan) / "recording.json"
    try:
        write_atomically(path, json.dumps(document, indent=2).encode() + b"\n")
    except OSError as exc:
        raise storage_error(f"{path.name} cannot be written", exc) from None


def recording(folders: BenchmarkFolders, plan: Plan) -> tuple[str, Mapping[str, ResolvedChain]]:
    """The run to replay and whom it asked. Raises RequestError when the same command has not been run before."""
    path = folders.run(plan) / "recording.json"
    try:
        document = json.loads(path.read_bytes())
        asked = {
            str(stage): ResolvedChain(tuple(c["models"]), int(c["tries_per_model"]), tuple(c["skipped"]))
            for stage, c in document["asked"].items()
        }
        return str(document["run_id"]), asked
    except (OSError, ValueError, KeyError, TypeError):
        raise RequestError(
            f"there is no recorded run of {plan.subject.label} on {plan.data.name} with these settings.",
            cure="run the same command without --replay first",
        ) from None


class RunProgress(Protocol):
    """Told how far a run is. Called from the event loop's thread."""

    def begin(self, rows: Sequence[SampleRow], *, total: int) -> None:
        """The run goes on after these rows."""
        ...

    def advance(self, row: SampleRow) -> None:
        """One more sample was taken."""
        ...


async def run(
    plan: Plan, measured: Measured, ledger: Ledger[SampleRow], folders: BenchmarkFolders, *, progress: RunProgress
) -> list[SampleRow]:
    """Take what is missing; all rows of the plan. A failure outside, and an interrupt, leave a run that can go on."""
    platform = measured.platform
    reason = await asyncio.to_thread(platform.sandbox.unavailable_reason)
    if reason is not None:
        raise SandboxUnavailableError(reason, cure="hidden tests run in the sandbox only; see omniclaude doctor")
    wanted = list(plan.all_samples())
    keys = {(sample.task.task_id, sample.number) for sample in wanted}
    kept = [row for row in ledger.rows if row.key in keys]
    await asyncio.to_thread(_record, platform, ledger, kept, plan)
    progress.begin(kept, total=len(wanted))
    done = {row.key for row in kept}
    waiting = iter([s for s in wanted if (s.task.task_id, s.number) not in done])
    sampler = Sampler(
        platform,
        HiddenTestJudge(platform.sandbox, folders.expected),
        ledger.header.run_id,
        folders.run(plan) / ("replay-nodes" if plan.is_replay else "nodes"),
        measured.solutions,
    )

    async def worker() -> None:
        for sample in waiting:
            row = await sampler.take(sample)
            ledger.append(row)
            progress.advance(row)
            await asyncio.to_thread(_record, platform, ledger, [row], plan)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(platform.settings.max_concurrency):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        # The workers do the same work: the first failure stands for all.
        raise failures.exceptions[0] from None
    finally:
        # After an interrupt threads still wait for the sandbox; this lets them go at once.
        platform.end_sandbox()
        await platform.models.close()
    return [row for row in ledger.rows if row.key in keys]


def _record(platform: BenchmarkPlatform, ledger: Ledger[SampleRow], rows: Sequence[SampleRow], plan: Plan) -> None:
    outcomes = [row.outcome(run=ledger.header.run_id, subject=plan.subject.label) for row in rows]
    platform.records.write_benchmark_outcomes(outcomes)
