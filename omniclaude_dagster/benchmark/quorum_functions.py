"""Cases from a data set of functions: the canonical solution of a task, and a mutant that only hidden tests notice.

Both go through the real stages 1 to 4.5 in mode strict, pass every gate and every visible example, and would be
published. The hidden tests are the truth: this is the set that gates cannot tell apart.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from omniclaude_dagster.benchmark.judge import HiddenTestJudge
from omniclaude_dagster.benchmark.mutants import mutants_of
from omniclaude_dagster.benchmark.patterns_solutions import fitted_solution
from omniclaude_dagster.benchmark.platform import BenchmarkPlatform
from omniclaude_dagster.benchmark.quorum_case import Prepared, QuorumCase
from omniclaude_dagster.benchmark.row import CANONICAL
from omniclaude_dagster.benchmark.sampling import Sample, request_for
from omniclaude_dagster.benchmark.solution_gateway import SolutionGateway
from omniclaude_dagster.benchmark.tasks import BenchmarkTask, DataSet
from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.quorum.model import Ballot, Candidate, ExecutedFacts, Tally, TriedEdit
from omniclaude_dagster.quorum.refinement import refine
from omniclaude_dagster.request.model import Mode
from omniclaude_dagster.stages.event_bus import rendered
from omniclaude_dagster.stages.flow import run_stage
from omniclaude_dagster.stages.logic_writer import read_answer
from omniclaude_dagster.stages.model import STAGES
from omniclaude_dagster.stages.refine import judged_by_gates
from omniclaude_dagster.stages.state import Gateways, GenerationState

_QUORUM_STAGE = "5.5"
_TRIED_MUTANTS = 12


@dataclass(frozen=True)
class FunctionCases:
    """The tasks of a data set in a seeded order, two cases each; implements CaseSource.

    `platform` puts solutions in (`solutions` is its gateway) and asks no model.
    """

    data: DataSet
    platform: BenchmarkPlatform
    solutions: SolutionGateway
    judge: HiddenTestJudge
    run_id: str
    nodes_path: Path
    seed: int = 0

    @cached_property
    def _tasks(self) -> dict[str, BenchmarkTask]:
        tasks = list(self.data.tasks)
        random.Random(f"quorum {self.seed}").shuffle(tasks)  # noqa: S311  (sampling, no secret)
        return {task.task_id: task for task in tasks}

    @property
    def slots(self) -> Sequence[str]:
        """Task ids."""
        return tuple(self._tasks)

    async def prepare(self, slot: str) -> Prepared:
        """The canonical solution and the first mutant that passes everything but the hidden tests."""
        task = self._tasks[slot]
        try:
            await asyncio.to_thread(self.judge.expected.of, task)
        except RequestError as exc:
            return Prepared(unusable=f"the task cannot be judged here: {exc.message}")
        solution = fitted_solution(task)
        right = await self._case(Sample(task, 0, CANONICAL, solution), is_right=True)
        if right is None:
            return Prepared(unusable="the canonical solution: a gate refuses it, or no visible example proves it")
        found = mutants_of(solution, task.entry_point, count=_TRIED_MUTANTS, seed=self.seed)
        for number, mutant in enumerate(found, 1):
            judgement = await asyncio.to_thread(self.judge.judge_source, task, mutant.source)
            if judgement.is_passed:
                continue
            wrong = await self._case(Sample(task, number, mutant.change, mutant.source), is_right=False)
            if wrong is not None:
                return Prepared((right, wrong))
        return Prepared(unusable="no mutant passes every visible example and fails the hidden tests")

    async def _case(self, sample: Sample, *, is_right: bool) -> QuorumCase | None:
        """The case, or None where it would not be published, or is not as right or wrong as it should be."""
        state = await self._state(sample)
        if state is None or state.blueprint is None or state.bundle is None:
            return None
        judged = await asyncio.to_thread(judged_by_gates, state, self.platform.gateways)
        trial = FunctionTrial(sample.task, state, self.platform.gateways, self.judge)
        if not _is_publishable(judged.facts, state.blueprint) or await trial.is_right(state.bundle) != is_right:
            return None
        return QuorumCase(
            case_id=f"{sample.task.task_id}/{'right' if is_right else 'wrong'}",
            group=sample.task.task_id,
            family=CANONICAL if is_right else "mutant",
            is_right=is_right,
            is_passed_by_gates=True,
            quality_score=judged.facts.quality_score,
            candidate=Candidate(
                blueprint=state.blueprint,
                bundle=state.bundle,
                prompt=state.request.prompt,
                gate_results=judged.results,
                facts=judged.facts,
            ),
            trial=trial,
        )

    async def _state(self, sample: Sample) -> GenerationState | None:
        """The generation just before stage 5.5; None where it does not come so far with this solution."""
        accepted = request_for(sample, run_id=self.run_id, nodes_path=self.nodes_path, mode=Mode.STRICT)
        self.solutions.give(accepted.request_id, sample.solution or "")
        state = self.platform.start(accepted)
        for number, _ in STAGES:
            if number == _QUORUM_STAGE:
                break
            state = await run_stage(number, state, self.platform.gateways)
        is_asked = state.blueprint is not None and state.blueprint.logic.origin == "model"
        return state if is_asked and not state.is_decided else None


@dataclass(frozen=True)
class FunctionTrial:
    """The refinement of stage 5.5 on one generation, and the hidden tests of its task; implements Trial."""

    task: BenchmarkTask
    state: GenerationState
    gateways: Gateways
    judge: HiddenTestJudge

    async def refine(
        self, candidate: Candidate, ballots: Sequence[Ballot], tally: Tally
    ) -> tuple[tuple[TriedEdit, ...], TriedEdit | None]:
        """As the stage does it."""
        return await refine(candidate, ballots, tally, judge=self._executed, read_function=self._read_function)

    async def is_right(self, bundle: NodeBundle) -> bool:
        """Whether it passes every hidden test."""
        files = {f"{bundle.package_name}/{path}": content for path, content in bundle.files.items()}
        judgement = await asyncio.to_thread(self.judge.judge_package, self.task, files, bundle.package_name)
        return judgement.is_passed

    async def _executed(self, blueprint: NodeBlueprint) -> tuple[NodeBundle, ExecutedFacts]:
        state = await asyncio.to_thread(rendered, self.state, blueprint, self.gateways)
        judged = await asyncio.to_thread(judged_by_gates, state, self.gateways)
        if judged.state.bundle is None:
            raise LookupError("a rendered node without files")
        return judged.state.bundle, judged.facts

    def _read_function(self, source: str, blueprint: NodeBlueprint) -> str:
        found = read_answer(source, blueprint, self.state)
        if found.source is None:
            raise ValueError(found.problem or "it holds no function")
        return found.source


def _is_publishable(facts: ExecutedFacts, blueprint: NodeBlueprint) -> bool:
    has_examples = facts.examples_total > 0 and facts.examples_passed == facts.examples_total
    is_clean = not facts.blocking_failures and not any(s in {"fail", "skipped"} for s in facts.gates.values())
    return has_examples and is_clean and not blueprint.logic.open_point
