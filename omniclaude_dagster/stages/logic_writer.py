"""Asks models for the body of a pure operation, through the gate-verified cascade: cheapest first, told what was wrong.

    question -> model -> answer -> parsed and rebuilt -> tried (`logic_trial.py`) -> accepted, or back with the reason

Every call comes back with its verdict. Which models, and how often each, is the chain's matter (`providers/chains.py`);
when to go on to the next one is the cascade's (`providers/cascade.py`).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from omniclaude_dagster.node.blueprint import Logic, NodeBlueprint
from omniclaude_dagster.patterns.model import Pattern
from omniclaude_dagster.providers.cascade import Answer, Cascade, CascadeResult, Tried, Verdict
from omniclaude_dagster.providers.errors import ProviderError, TruncatedReplyError
from omniclaude_dagster.providers.model import ChatReply, ChatRequest, ModelCall
from omniclaude_dagster.request.model import SignatureHint
from omniclaude_dagster.stages.logic_code import FunctionSource, function_from_answer
from omniclaude_dagster.stages.logic_examples import shown_tasks
from omniclaude_dagster.stages.logic_prompt import logic_messages, tokens_for
from omniclaude_dagster.stages.logic_tidy import tidied
from omniclaude_dagster.stages.state import Gateways, GenerationState

STAGE = "business_logic"
NO_MODEL = "no model is configured; set OMNICLAUDE_MODEL_BASE_URL or a provider's key"
BUDGET_SPENT = "the request's budget is spent; no further model is asked"
_MAX_VERDICT_CHARS = 1000
# First the plain question; then the correction; then afresh, because a small model clings to its error. The same
# question at temperature 0 would be answered the same way again.
_TEMPERATURES = (0.0, 0.2, 0.8)

type Try = Callable[[Logic], Awaitable[tuple[Verdict, Logic]]]


@dataclass(frozen=True)
class Written:
    """What the models brought. `problem`: why there is no accepted body, or what is open about the one there is."""

    logic: Logic | None
    problem: str = ""
    calls: tuple[ModelCall, ...] = ()
    notes: tuple[str, ...] = ()
    # Patterns that the models saw.
    shown: tuple[Pattern, ...] = ()


@dataclass
class _Draft:
    """A body while it is tried: the trial may mend it."""

    logic: Logic


@dataclass
class _Asked:
    """One question: the call it left, and the text that came back."""

    calls: list[ModelCall] = field(default_factory=list)
    text: str = ""
    is_cut: bool = False


class LogicWriter:
    """Writes one body for one node. Use once."""

    def __init__(self, blueprint: NodeBlueprint, state: GenerationState, gateways: Gateways) -> None:
        self._blueprint = blueprint
        self._state = state
        self._gateways = gateways
        self._asked: list[_Asked] = []
        self._hint = _hint_of(blueprint, state)
        self._shown = shown_tasks(blueprint, state.offers)

    async def write(self, *, try_body: Try) -> Written:
        """Walk the chain until a body is accepted. `try_body` gives its verdict, and the body as it may be kept."""

        async def verify(draft: _Draft) -> Verdict:
            verdict, draft.logic = await try_body(draft.logic)
            return verdict

        chain = self._gateways.chain_for(STAGE)
        cascade = Cascade(chain.models, chain.tries_per_model, self._state.is_budget_spent)
        result = await cascade.run(attempt=self._attempt, verify=verify)
        taken = result.accepted or result.second_best
        notes = [*chain.skipped, *(self._note(t) for t in result.tried if not t.verdict.is_accepted)]
        if result.end == "budget_spent":
            notes.append(BUDGET_SPENT)
        return Written(
            logic=taken.answer.candidate.logic if taken and taken.answer.candidate else None,
            problem=_problem(result, skipped=chain.skipped),
            calls=self._calls(result),
            notes=tuple(notes),
            shown=self._shown.patterns if result.tried else (),
        )

    async def _attempt(self, model: str, number: int, last: Tried[_Draft] | None) -> Answer[_Draft]:
        before = self._asked[-1] if last is not None else _Asked()
        asked = _Asked()
        self._asked.append(asked)
        try:
            reply = await self._gateways.models.chat(self._request(number, before, last), model=model)
        except ProviderError as exc:
            asked.calls += [exc.call] if exc.call else []
            asked.is_cut = isinstance(exc, TruncatedReplyError)
            # A refused or cut answer may have been paid for; only a cut one is worth asking the same model again.
            refusal = Verdict.refused(f"{exc.kind}: {exc.message}", is_repairable=asked.is_cut)
            return Answer(None, refusal, sum(call.cost_nanousd for call in asked.calls))
        asked.calls.append(reply.call)
        asked.text = reply.text
        return self._read(reply)

    def _request(self, number: int, before: _Asked, last: Tried[_Draft] | None) -> ChatRequest:
        step = number % len(_TEMPERATURES)
        is_correction = step == 1 and last is not None and bool(before.text)
        return ChatRequest(
            stage="3",
            messages=logic_messages(
                self._blueprint,
                refused=(before.text, last.verdict.reason) if is_correction and last else None,
                hint=self._hint,
                solved=self._shown.tasks,
            ),
            correlation_id=self._state.correlation_id,
            max_tokens=tokens_for(self._blueprint) * (2 if before.is_cut else 1),
            temperature=_TEMPERATURES[step],
            deadline_s=self._gateways.model_deadline_s,
        )

    def _read(self, reply: ChatReply) -> Answer[_Draft]:
        found = read_answer(reply.text, self._blueprint, self._state)
        cost = reply.call.cost_nanousd
        if found.source is None:
            return Answer(None, Verdict.refused(found.problem or "it holds no function"), cost)
        logic = Logic("model", self._blueprint.logic.function, found.source, model=reply.call.model)
        return Answer(_Draft(logic), None, cost)

    def _calls(self, result: CascadeResult[_Draft]) -> tuple[ModelCall, ...]:
        """Every call with its verdict, in order."""
        pairs = zip(self._asked, result.tried, strict=True)
        return tuple(replace(call, verdict=_shown(tried.verdict)) for asked, tried in pairs for call in asked.calls)

    def _note(self, tried: Tried[_Draft]) -> str:
        model = tried.answer.candidate.logic.model if tried.answer.candidate else tried.model
        return f"{model}: {tried.verdict.reason}"


def read_answer(text: str, blueprint: NodeBlueprint, state: GenerationState) -> FunctionSource:
    """The body that an answer holds, as it is tried; or why it holds none."""
    hint = _hint_of(blueprint, state)
    found = function_from_answer(text, blueprint, helpers=hint.helpers if hint else "")
    return found if found.source is None else FunctionSource(tidied(found.source))


def _hint_of(blueprint: NodeBlueprint, state: GenerationState) -> SignatureHint | None:
    """The function as the prompt wrote it, where the node's plain function comes from it."""
    hint = state.parsed.signature if state.parsed is not None else None
    if hint is None or blueprint.signature is None or len(hint.parameters) != len(blueprint.signature.parameters):
        return None
    return hint


def _shown(verdict: Verdict) -> str:
    return "accepted" if verdict.is_accepted else verdict.reason[:_MAX_VERDICT_CHARS]


def _problem(result: CascadeResult[_Draft], *, skipped: tuple[str, ...]) -> str:
    if result.end == "no_models":
        return "; ".join([NO_MODEL, *skipped])
    if result.end == "budget_spent":
        return BUDGET_SPENT
    last = result.second_best or result.tried[-1]
    return "" if result.accepted else last.verdict.reason
