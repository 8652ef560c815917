"""Stand-ins for the quorum: candidates that were really rendered, ballots, and models that answer by name.

The fakes have no opinion of their own: a test says what each model answers, and after how long.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from omniclaude_dagster.artifact.rendering import render_bundle
from omniclaude_dagster.gates.report import GateResult, GateStatus
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.providers.errors import ProviderError
from omniclaude_dagster.providers.model import ChatReply, ChatRequest, ModelCall, ModelStatus
from omniclaude_dagster.providers.recorded import request_sha256
from omniclaude_dagster.quorum.model import Ballot, Candidate, ExecutedFacts, Panel, ProposedEdit, Seat, Thresholds
from tests.support.generated_nodes import blueprint_for

TAX_PROMPT = "COMPUTE node called TaxAdder that adds tax to a price"
TAX_EXAMPLES = [{"input": {"net": 10.0, "rate": 0.5}, "output": {"gross": 15.0}}]
TAX_INPUT, TAX_OUTPUT = "ModelTaxAdderInput", "ModelTaxAdderOutput"
OTHER_BODY = (
    "def add_tax(data: ModelTaxAdderInput) -> ModelTaxAdderOutput:\n    return ModelTaxAdderOutput(gross=0.0)\n"
)
CALL_COST = 1_000


def facts_with(quality: float = 0.9, *, examples: tuple[int, int] = (1, 1), **gates: GateStatus) -> ExecutedFacts:
    """Facts of an execution; a failed gate blocks when its name starts with `block`."""
    blocking = tuple(gate for gate, status in gates.items() if status == "fail" and gate.startswith("block"))
    return ExecutedFacts(gates, blocking, examples[0], examples[1], quality)


def candidate_of(
    blueprint: NodeBlueprint, *, gates: Sequence[GateResult] = (), facts: ExecutedFacts | None = None, prompt: str = ""
) -> Candidate:
    """The node as a panel sees it, really rendered."""
    return Candidate(blueprint, render_bundle(blueprint), prompt or TAX_PROMPT, tuple(gates), facts or facts_with())


def tax_blueprint(**more: Any) -> NodeBlueprint:
    """A small COMPUTE node whose body is known, with one example."""
    return blueprint_for(TAX_PROMPT, **{"examples": TAX_EXAMPLES, **more})


def tax_candidate(**more: Any) -> Candidate:
    """`tax_blueprint`, rendered."""
    return candidate_of(tax_blueprint(), **more)


def gate_result(gate: str, status: GateStatus = "pass", message: str = "fine") -> GateResult:
    """What a gate said."""
    return GateResult(gate, "post_generation", True, status, message)


def panel_of(*seats: tuple[str, float, Sequence[str]], **thresholds: float) -> Panel:
    """A panel whose models are all asked as they are given."""
    made = tuple(Seat(name, weight, tuple(models)) for name, weight, models in seats)
    return Panel("test", made, Thresholds(**thresholds), is_as_given=True)


def vote(seat: str, score: float, *, weight: float = 1.0, edit: ProposedEdit | None = None) -> Ballot:
    """A vote."""
    return Ballot(seat, weight, model="m", score=score, verdict="revise", edit=edit)


def abstention(seat: str, *, weight: float = 1.0) -> Ballot:
    """No vote."""
    return Ballot(seat, weight, abstained_because="asleep")


def answer(score: float = 0.9, verdict: str = "approve", **more: Any) -> dict[str, Any]:
    """An answer as a model gives it."""
    return {"deficiencies": [], "verdict": verdict, "score": score, "edit": {"kind": "none"}, **more}


def read_as_given(source: str, blueprint: NodeBlueprint) -> str:
    """Takes every body as it is."""
    return source


class NamedModels:
    """A gateway whose models answer by name: an object (as `data`), a text (no data), an error, or a defect.

    `delays_s`: how long each takes. `really`: the name that a call's record carries instead of the asked one.
    """

    def __init__(
        self,
        answers: Mapping[str, Mapping[str, Any] | str | Exception],
        *,
        delays_s: Mapping[str, float] | None = None,
        really: Mapping[str, str] | None = None,
        usable: Sequence[str] | None = None,
    ) -> None:
        self.answers = answers
        self.delays_s = delays_s or {}
        self.really = really or {}
        self.usable = tuple(answers) if usable is None else tuple(usable)
        self.asked: list[tuple[str, ChatRequest]] = []
        self.at_once = 0
        self.most_at_once = 0
        self.cancelled: list[str] = []

    @property
    def names_asked(self) -> list[str]:
        return [name for name, _ in self.asked]

    def candidates(self, stage: str) -> tuple[str, ...]:
        assert stage == "quorum_refinement"
        return self.usable

    async def chat(self, request: ChatRequest, *, model: str) -> ChatReply:
        self.asked.append((model, request))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.delays_s.get(model, 0))
        except asyncio.CancelledError:
            self.cancelled.append(model)
            raise
        finally:
            self.at_once -= 1
        given = self.answers[model]
        if isinstance(given, ProviderError):
            given.call = self._call(request, model, error=given)
            raise given
        if isinstance(given, Exception):
            raise given
        text = given if isinstance(given, str) else json.dumps(given)
        return ChatReply(text, self._call(request, model, text=text), None if text is given else given)

    async def status(self) -> tuple[ModelStatus, ...]:
        return ()

    async def close(self) -> None:
        return None

    def _call(
        self, request: ChatRequest, model: str, *, error: ProviderError | None = None, text: str | None = None
    ) -> ModelCall:
        real = self.really.get(model, model)
        return ModelCall(
            correlation_id=request.correlation_id,
            stage=request.stage,
            model=real,
            provider="fake",
            host="nowhere",
            tokens_input=100,
            tokens_output=20,
            latency_ms=5.0,
            cost_nanousd=CALL_COST,
            attempts=1,
            is_success=error is None,
            error_kind=error.kind if error else None,
            error_message=str(error) if error else None,
            request_sha256=request_sha256(request, model=real),
            reply_text=text,
        )
