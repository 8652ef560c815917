"""Stand-ins for what stages reach: models that answer from a queue, a library, and a sandbox that runs nothing.

The fakes have no opinion of their own: a test says what each of them answers.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from omniclaude_dagster.artifact.store import NodeStore
from omniclaude_dagster.patterns.model import Found, Offer, Pattern, PatternFinder, PatternQuery, StoredPattern
from omniclaude_dagster.providers.errors import ProviderError
from omniclaude_dagster.providers.model import ChatReply, ChatRequest, ModelCall, ModelStatus
from omniclaude_dagster.quorum.model import Panel, Seat
from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest
from omniclaude_dagster.sandbox.model import Sandbox, SandboxJob
from omniclaude_dagster.stages.flow import run_stage, run_stages
from omniclaude_dagster.stages.model import STAGES
from omniclaude_dagster.stages.state import Gateways, GenerationState, new_state
from tests.support.pattern_fakes import pattern_for
from tests.support.reference_nodes import ScriptedSandbox, executed, returned

DOUBLING = "COMPUTE node called Doubler that doubles a number"
DOUBLED = ({"input": {"n": 2}, "output": {"doubled": 4}}, {"input": {"n": 5}, "output": {"doubled": 10}})
COMPUTE_CALL_COST = 1_000


class QueuedModels:
    """A gateway that gives the queued answers in turn: texts, objects (as `data`), or errors to raise."""

    def __init__(
        self,
        answers: Iterable[str | Mapping[str, Any] | ProviderError] = (),
        *,
        names: tuple[str, ...] = ("small-model",),
        cost_nanousd: int = COMPUTE_CALL_COST,
    ) -> None:
        self.answers = deque(answers)
        self.names = names
        self.cost_nanousd = cost_nanousd
        self.asked: list[tuple[str, ChatRequest]] = []

    def candidates(self, stage: str) -> tuple[str, ...]:
        return self.names

    async def chat(self, request: ChatRequest, *, model: str) -> ChatReply:
        self.asked.append((model, request))
        assert self.answers, "a model was asked more often than the test expects"
        answer = self.answers.popleft()
        if isinstance(answer, ProviderError):
            answer.call = self._call(request, model, error=answer)
            raise answer
        call = self._call(request, model)
        return ChatReply(answer, call) if isinstance(answer, str) else ChatReply("{}", call, dict(answer))

    async def status(self) -> tuple[ModelStatus, ...]:
        return ()

    async def close(self) -> None:
        return None

    def _call(self, request: ChatRequest, model: str, *, error: ProviderError | None = None) -> ModelCall:
        return ModelCall(
            correlation_id=request.correlation_id,
            stage=request.stage,
            model=model,
            provider="fake",
            host="nowhere",
            tokens_input=100,
            tokens_output=20,
            latency_ms=1.0,
            cost_nanousd=self.cost_nanousd,
            attempts=1,
            is_success=error is None,
            error_kind=error.kind if error else None,
            error_message=error.message if error else None,
        )


PANEL = Panel("three", (Seat("big", 2.0, ("big",)), Seat("middle", 1.5, ("middle",)), Seat("small", 1.0, ("small",))))


def ballot(score: float, verdict: str = "approve", **more: Any) -> dict[str, Any]:
    """A seat's answer."""
    return {"deficiencies": [], "verdict": verdict, "score": score, "edit": {"kind": "none"}, **more}


class Seats(QueuedModels):
    """The models of PANEL's seats, each with its ballot, and "writer", which writes every body."""

    def __init__(self, ballots: Mapping[str, Mapping[str, Any] | ProviderError], *, writes: str = "") -> None:
        super().__init__(names=("writer", *ballots))
        self.ballots = ballots
        self.writes = writes

    async def chat(self, request: ChatRequest, *, model: str) -> ChatReply:
        self.answers.append(self.writes if model == "writer" else self.ballots[model])
        return await super().chat(request, model=model)


class ListedPatterns:
    """A library that finds the given patterns of the asked kind, in this order, or says that it is degraded."""

    def __init__(self, known: Iterable[Pattern] = (), *, degraded: tuple[str, ...] = ()) -> None:
        self.known = tuple(known)
        self.degraded = degraded
        self.asked: list[PatternQuery] = []

    def find(self, query: PatternQuery) -> Found:
        """All of that kind, best first."""
        self.asked.append(query)
        fitting = [p for p in self.known if p.node_kind is query.node_kind]
        offers = (
            Offer(StoredPattern(p), 0.9 - 0.01 * rank, {"meaning": 1.0}, ("same words",))
            for rank, p in enumerate(fitting)
        )
        return Found(tuple(offers), len(self.known), self.degraded)


def old_pattern(
    source: str, *, inputs: Mapping[str, str], outputs: Mapping[str, str], description: str = DOUBLING, **more: Any
) -> Pattern:
    """A pattern around `old_function`, which takes ModelOldInput and gives ModelOldOutput."""
    names = {"function": "old_function", "input_class": "ModelOldInput", "output_class": "ModelOldOutput"}
    return pattern_for(description, code=source, inputs=inputs, outputs=outputs, name="Old", **(names | more))


def judging_sandbox(is_right: Callable[[str], bool], **answers: Any) -> ScriptedSandbox:
    """A sandbox that executes nothing: the examples of DOUBLED hold when `is_right` says so of logic.py's text."""

    def execute(job: SandboxJob) -> dict[str, Any]:
        (logic,) = [text.decode() for path, text in job.files.items() if path.endswith("/logic.py")]
        factor = 2 if is_right(logic) else 3
        samples = [s if s is not None else {"n": 1} for s in job.arguments["samples"]]
        return executed(processed=[returned(s, {"doubled": s.get("n", 0) * factor}) for s in samples])(job)

    return ScriptedSandbox({"execute_node": execute, **answers})


def gateways_for(
    tmp_path: Path,
    *,
    sandbox: Sandbox | None = None,
    models: QueuedModels | None = None,
    patterns: PatternFinder | None = None,
    **more: Any,
) -> Gateways:
    """Gateways that write below `tmp_path`; without other word the sandbox finds every node perfect."""
    stores: dict[Path, NodeStore] = {}
    return Gateways(
        sandbox=sandbox or judging_sandbox(lambda logic: True),
        models=models or QueuedModels(names=()),
        patterns=patterns or ListedPatterns(),
        store_for=lambda path: stores.setdefault(path, NodeStore(path, tmp_path / "home")),
        artifacts_path=tmp_path / "artifacts",
        model_deadline_s=5.0,
        **more,
    )


def state_for(tmp_path: Path, prompt: str, *, request_id: str = "request-1", **more: Any) -> GenerationState:
    """A fresh generation that delivers to `tmp_path/out`."""
    request = GenerationRequest.model_validate({"prompt": prompt, "output_dir": str(tmp_path / "out"), **more})
    return new_state(AcceptedRequest(request_id, request), artifacts_path=tmp_path / "artifacts")


def run_all(state: GenerationState, gateways: Gateways) -> GenerationState:
    """All stages in order."""
    return asyncio.run(run_stages(state, gateways))


def run_until(last: str, state: GenerationState, gateways: Gateways) -> GenerationState:
    """The stages up to and with `last`."""

    async def scenario() -> GenerationState:
        current = state
        for number, _ in STAGES:
            current = await run_stage(number, current, gateways)
            if number == last:
                break
        return current

    return asyncio.run(scenario())
