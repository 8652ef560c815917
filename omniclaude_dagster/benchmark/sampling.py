"""One sample of one task: through the whole pipeline, then before the hidden tests."""

import asyncio
import shutil
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from omniclaude_dagster.artifact.rendering import render_bundle
from omniclaude_dagster.benchmark.judge import HiddenTestJudge, Judgement
from omniclaude_dagster.benchmark.platform import BenchmarkPlatform
from omniclaude_dagster.benchmark.row import BY_MODEL, UNUSABLE_TASK, Body, SampleRow
from omniclaude_dagster.benchmark.solution_gateway import SolutionGateway
from omniclaude_dagster.benchmark.tasks import BenchmarkTask
from omniclaude_dagster.contracts.builder import ContractError
from omniclaude_dagster.errors import OutsideError, RequestError
from omniclaude_dagster.gates import registry
from omniclaude_dagster.gates.quality import Quality
from omniclaude_dagster.node.blueprint import Logic, NodeBlueprint
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.providers.errors import NotRecordedError
from omniclaude_dagster.providers.model import ModelCall
from omniclaude_dagster.request import naming
from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest, Mode, NodeKind
from omniclaude_dagster.stages.logic_writer import read_answer
from omniclaude_dagster.stages.model import GenerationResult
from omniclaude_dagster.stages.state import GenerationState
from omniclaude_dagster.stages.validate import node_context

_LOGIC_STAGE = "3"
# Failures of a model call that say nothing about the model: the sample must be taken again, not counted as wrong.
HOST_FAILURES = frozenset(
    {"connection", "auth", "circuit_open", "price_unknown", "unknown_model", "rate_limited", "server_error"}
)
_MAX_REASON_CHARS = 500


@dataclass(frozen=True)
class Sample:
    """What is measured once. `solution` is a module to put in instead of a model's answer."""

    task: BenchmarkTask
    number: int
    candidate: str = BY_MODEL
    solution: str | None = None


@dataclass(frozen=True)
class _FoundBody:
    """A body to judge: the bundle it is in, and where it came from."""

    body: Body
    bundle: NodeBundle | None = None
    quality: Quality | None = None
    examples_count: int = 0


@dataclass(frozen=True)
class Sampler:
    """Takes samples for one run. `solutions` is the platform's gateway where solutions are put in."""

    platform: BenchmarkPlatform
    judge: HiddenTestJudge
    run_id: str
    nodes_path: Path
    solutions: SolutionGateway | None = None

    async def take(self, sample: Sample) -> SampleRow:
        """One row. Raises OutsideError when the model's host failed, so that nothing was measured."""
        try:
            expected = await asyncio.to_thread(self.judge.expected.of, sample.task)
        except RequestError as exc:
            return _unusable(sample, str(exc))
        accepted = request_for(sample, run_id=self.run_id, nodes_path=self.nodes_path)
        # What a killed run left: a node would otherwise be updated instead of generated.
        await asyncio.to_thread(shutil.rmtree, str(accepted.request.output_dir), ignore_errors=True)
        if self.solutions is not None and sample.solution is not None:
            self.solutions.give(accepted.request_id, sample.solution)
        states: list[GenerationState] = []
        result = await self.platform.generate(accepted, on_stage=states.append)
        state = states[-1]
        _raise_if_not_measured(state)
        started = time.perf_counter()
        found, judgement = await asyncio.to_thread(self._judged, sample, state)
        row = _row(sample, result, state, found, judgement)
        judge_ms = round((time.perf_counter() - started) * 1000, 3)
        return row.model_copy(update={"judge_ms": judge_ms, "left_out_inputs": expected.left_out})

    def _judged(self, sample: Sample, state: GenerationState) -> tuple[_FoundBody, Judgement | None]:
        found = self._body_of(sample, state)
        if found.bundle is None:
            return found, None
        bundle = found.bundle
        files = {f"{bundle.package_name}/{path}": content for path, content in bundle.files.items()}
        return found, self.judge.judge_package(sample.task, files, bundle.package_name)

    def _body_of(self, sample: Sample, state: GenerationState) -> _FoundBody:
        blueprint, bundle = state.blueprint, state.bundle
        if blueprint is None or bundle is None:
            return _FoundBody("none")
        count = len(blueprint.examples)
        if not blueprint.is_scaffold and state.published is not None:
            body: Body = "published" if state.status == "published" else "review"
            return _FoundBody(body, bundle, state.quality, count)
        if not blueprint.is_scaffold:
            return self._scored(blueprint, state)
        for source in _answers(sample, state):
            candidate = _with_answer(blueprint, source, state)
            if candidate is not None:
                return self._scored(candidate, state)
        return _FoundBody("none", examples_count=count)

    def _scored(self, candidate: NodeBlueprint, state: GenerationState) -> _FoundBody:
        """A body that was not delivered, judged by every gate as if it had been."""
        count = len(candidate.examples)
        try:
            bundle = render_bundle(candidate, profile=self.platform.gateways.profile)
        except (SyntaxError, ContractError):
            return _FoundBody("none", examples_count=count)
        verdict = registry.judge_node(node_context(state.with_bundle(candidate, bundle), self.platform.gateways))
        return _FoundBody("refused", bundle, Quality(verdict.quality_score, verdict.quality), count)


def request_for(sample: Sample, *, run_id: str, nodes_path: Path, mode: Mode = Mode.BALANCED) -> AcceptedRequest:
    """The request that a sample is taken with."""
    task = sample.task
    name = naming.pascal_case(task.entry_point)
    place = f"{task.task_id.replace('/', '-')}-{sample.number}"
    request = GenerationRequest(
        prompt=task.prompt,
        mode=mode,
        node_kind=NodeKind.COMPUTE,
        # A name that a node cannot have is left to the parser.
        name=None if naming.name_problem(name) else name,
        session_id=run_id,
        output_dir=str(nodes_path / place),
    )
    return AcceptedRequest(f"{request_prefix(run_id)}{place}"[:63], request, source="benchmark")


def request_prefix(run_id: str) -> str:
    """What the request ids of a run begin with; the rest is the same in every run."""
    return f"bench-{run_id[-8:]}-"


def _answers(sample: Sample, state: GenerationState) -> list[str]:
    """What was answered, the last first; a solution that nobody asked for counts as an answer."""
    texts = [c.reply_text for c in state.model_calls if c.stage == _LOGIC_STAGE and c.is_success and c.reply_text]
    return texts[::-1] or ([sample.solution] if sample.solution is not None else [])


def _with_answer(blueprint: NodeBlueprint, answer: str, state: GenerationState) -> NodeBlueprint | None:
    found = read_answer(answer, blueprint, state)
    if found.source is None:
        return None
    logic = Logic("model", blueprint.logic.function, source=found.source, model="refused", detail="refused")
    return blueprint.with_logic(logic)


def _raise_if_not_measured(state: GenerationState) -> None:
    calls = [c for c in state.model_calls if c.stage == _LOGIC_STAGE]
    kinds = {c.error_kind for c in calls if not c.is_success}
    if calls and not any(c.is_success for c in calls) and kinds and kinds <= HOST_FAILURES:
        raise OutsideError(
            f"no model could be asked: {calls[-1].error_message}",
            cure="see to the model's host, then run the same command again: it goes on where it stopped",
        )


def _unusable(sample: Sample, why: str) -> SampleRow:
    return SampleRow(
        task=sample.task.task_id,
        sample=sample.number,
        candidate=sample.candidate,
        status="failed",
        body="none",
        is_passed=False,
        is_passed_if_delivered=False,
        is_body_right=False,
        is_body_right_on_base=False,
        quality_score=0.0,
        error_class=UNUSABLE_TASK,
        detail=why[:_MAX_REASON_CHARS],
        correlation_id=uuid.uuid4(),
        finished_at=datetime.now(UTC),
    )


def _row(
    sample: Sample, result: GenerationResult, state: GenerationState, found: _FoundBody, judgement: Judgement | None
) -> SampleRow:
    is_right = judgement is not None and judgement.is_passed
    is_delivered = found.body in {"published", "review"}
    calls = state.model_calls
    asked = list(dict.fromkeys(c.model for c in calls if c.stage == _LOGIC_STAGE))
    return SampleRow(
        task=sample.task.task_id,
        sample=sample.number,
        candidate=sample.candidate,
        status=result.status,
        body=found.body,
        is_passed=is_right and found.body == "published",
        is_passed_if_delivered=is_right and is_delivered,
        is_body_right=is_right,
        is_body_right_on_base=judgement is not None and judgement.is_base_passed,
        quality_score=found.quality.score if found.quality else 0.0,
        quality=dict(found.quality.parts) if found.quality else {},
        visible_examples=found.examples_count,
        error_class=judgement.error_class if judgement else "no_body",
        detail=(judgement.detail if judgement else "")[:_MAX_REASON_CHARS],
        reason=_reason(result, state, found)[:_MAX_REASON_CHARS],
        cost_nanousd=sum(c.cost_nanousd for c in calls),
        duration_ms=result.duration_ms,
        calls=_counted(calls),
        failed_calls=sum(not c.is_success for c in calls),
        unrecorded_calls=sum(c.error_kind == NotRecordedError.kind for c in calls),
        tokens_input=sum(c.tokens_input for c in calls),
        tokens_output=sum(c.tokens_output for c in calls),
        escalations=max(0, len(asked) - 1),
        request_id=result.request_id,
        correlation_id=state.correlation_id,
        finished_at=datetime.now(UTC),
    )


def _reason(result: GenerationResult, state: GenerationState, found: _FoundBody) -> str:
    """Why there is no published node: of a refused answer, what was wrong with it."""
    if result.status == "published":
        return ""
    verdicts = [c.verdict for c in state.model_calls if c.stage == _LOGIC_STAGE and c.is_success and c.verdict]
    return verdicts[-1] if found.body == "refused" and verdicts else result.error or ""


def _counted(calls: tuple[ModelCall, ...]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for call in calls:
        counts[call.model] = counts.get(call.model, 0) + 1
    return counts
