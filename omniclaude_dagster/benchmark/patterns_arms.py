"""Takes each query task in both arms: the same request to the same models, with the library and without it.

Each result is on the disk before the next task begins, so a run can be ended at any moment and goes on later. The arm
that comes first alternates from task to task: whatever warms up on the way favours neither.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omniclaude_dagster.benchmark.judge import HiddenTestJudge
from omniclaude_dagster.benchmark.ledger import Ledger
from omniclaude_dagster.benchmark.patterns_platforms import ArmPlatform
from omniclaude_dagster.benchmark.patterns_row import ARMS, Arm, ArmRow, PatternNote
from omniclaude_dagster.benchmark.patterns_store import FilledLibrary
from omniclaude_dagster.benchmark.platform import BenchmarkPlatform, OnStart
from omniclaude_dagster.benchmark.replayed_answers import SampleReplay
from omniclaude_dagster.benchmark.run import RunProgress
from omniclaude_dagster.benchmark.sampling import Sample, Sampler, request_prefix
from omniclaude_dagster.benchmark.subject import Subject, live
from omniclaude_dagster.benchmark.tasks import BenchmarkTask
from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.providers.chains import Chains, ResolvedChain
from omniclaude_dagster.providers.model import ModelGateway
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.sandbox.model import Sandbox
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.stages.learning import reuses_of
from omniclaude_dagster.stages.logic_examples import shown_tasks
from omniclaude_dagster.stages.recipe import RecordedChains
from omniclaude_dagster.stages.state import GenerationState

_LOGIC_STAGE = "3"


@dataclass(frozen=True)
class Asked:
    """Whom both arms ask. `chains_asked`: the chain of each stage as it was resolved, for a later replay."""

    models: ModelGateway
    chains: Chains
    chains_asked: Mapping[str, ResolvedChain]
    on_start: OnStart | None = None

    @property
    def is_live(self) -> bool:
        """Whether answers are new, hence to be recorded."""
        return self.on_start is None


async def ask_live(subject: Subject, settings: Settings) -> Asked:
    """Real models. Raises ConfigurationError for an unknown name, OutsideError when the model does not answer."""
    measured = await live(subject, settings)
    return Asked(measured.platform.models, measured.platform.chains, measured.asked)


def ask_records(records: RecordsStore, *, recorded_run: str, chains_asked: Mapping[str, ResolvedChain]) -> Asked:
    """The answers of an earlier run; nobody is asked. Raises RequestError when it left none."""
    models = records.recorded_models(session_id=recorded_run)
    if not models:
        raise RequestError(
            f"the records hold no answers of run {recorded_run}.",
            cure="run the same command without --replay first",
        )
    now, then = len(request_prefix(recorded_run)), request_prefix(recorded_run)
    gateway = SampleReplay(lambda request_id: records.model_calls(then + request_id[now:]), models=models)
    return Asked(gateway, RecordedChains(recorded=dict(chains_asked)), chains_asked, gateway.begin)


@contextlib.contextmanager
def arm_platforms(
    settings: Settings, asked: Asked, library: FilledLibrary, *, sandbox: Sandbox
) -> Iterator[Mapping[Arm, ArmPlatform]]:
    """A platform for each arm; they differ in what stage 1.5 may find, and in nothing else."""
    with contextlib.ExitStack() as stack:
        yield {
            arm: stack.enter_context(
                ArmPlatform(
                    settings,
                    chains=asked.chains,
                    is_recorded=asked.is_live,
                    sandbox=sandbox,
                    models=asked.models,
                    on_start=asked.on_start,
                    patterns=library.finder if arm == "with" else None,
                )
            )
            for arm in ARMS
        }


@dataclass(frozen=True)
class PairTaker:
    """Takes tasks in both arms."""

    platforms: Mapping[Arm, ArmPlatform]
    library: FilledLibrary
    judge: HiddenTestJudge
    nearest: Mapping[str, float]
    nodes_path: Path
    run_id: str

    async def take(self, task: BenchmarkTask, arm: Arm) -> ArmRow:
        """One row. Raises OutsideError when the model's host or a part of the library failed."""
        platform = self.platforms[arm]
        sampler = Sampler(platform, self.judge, self.run_id, self.nodes_path)
        row = await sampler.take(Sample(task, ARMS.index(arm)))
        if arm == "with":
            self.library.finder.require_whole()
        state = platform.take_end(row.correlation_id)
        return ArmRow(
            **row.model_dump(),
            nearest=self.nearest[task.task_id],
            origin=state.blueprint.logic.origin if state and state.blueprint else "",
            patterns=self._notes(state) if state else (),
        )

    def _notes(self, state: GenerationState) -> tuple[PatternNote, ...]:
        offers = {offer.pattern.pattern_id: offer for offer in state.found}
        shown = _shown_to_models(state)
        return tuple(
            PatternNote(
                store_task=self.library.task_of(offers[reuse.pattern_id].pattern.request_id),
                role=reuse.role,
                rank=reuse.rank,
                score=round(reuse.score, 4),
                meaning=_rounded(offers[reuse.pattern_id].parts.get("meaning")),
                is_shown=reuse.pattern_id in shown,
            )
            for reuse in reuses_of(state)
        )


async def take_pairs(
    tasks: Sequence[BenchmarkTask],
    taker: PairTaker,
    ledger: Ledger[ArmRow],
    *,
    asked: Asked,
    progress: RunProgress,
    end_sandbox: Callable[[], None],
) -> list[ArmRow]:
    """Take what is missing; all rows of these tasks. `end_sandbox` lets threads go that wait for it after a failure."""
    wanted = [(task, arm) for n, task in enumerate(tasks) for arm in (ARMS if n % 2 else ARMS[::-1])]
    keys = {(task.task_id, ARMS.index(arm)) for task, arm in wanted}
    kept = [row for row in ledger.rows if row.key in keys]
    progress.begin(kept, total=len(wanted))
    done = {row.key for row in kept}
    waiting = iter([(task, arm) for task, arm in wanted if (task.task_id, ARMS.index(arm)) not in done])

    async def worker() -> None:
        for task, arm in waiting:
            row = await taker.take(task, arm)
            ledger.append(row)
            progress.advance(row)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(taker.platforms["with"].settings.max_concurrency):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        # The workers do the same work: the first failure stands for all.
        raise failures.exceptions[0] from None
    finally:
        end_sandbox()
        await asked.models.close()
    return [row for row in ledger.rows if row.key in keys]


def sandbox_owner(settings: Settings, asked: Asked, *, sandbox: Sandbox | None) -> BenchmarkPlatform:
    """A platform that owns the sandbox which everything of a run shares, unless it is lent."""
    return BenchmarkPlatform(settings, chains=asked.chains, is_recorded=False, sandbox=sandbox, models=asked.models)


def _shown_to_models(state: GenerationState) -> set[uuid.UUID]:
    """Ids of the patterns that were worked examples in the questions of stage 3."""
    if state.blueprint is None or not any(call.stage == _LOGIC_STAGE for call in state.model_calls):
        return set()
    return {pattern.pattern_id for pattern in shown_tasks(state.blueprint, state.offers).patterns}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
