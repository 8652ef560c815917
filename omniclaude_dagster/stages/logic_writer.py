"""Asks models for the body of a pure operation: cheapest first, each told what was wrong with its last answer.

Whether an answer is accepted is decided by the caller, by executing it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from omniclaude_dagster.node.blueprint import Logic, NodeBlueprint
from omniclaude_dagster.providers.errors import ProviderError, TruncatedReplyError
from omniclaude_dagster.providers.model import ChatRequest, ModelCall
from omniclaude_dagster.stages.logic_code import function_from_answer
from omniclaude_dagster.stages.logic_prompt import logic_messages
from omniclaude_dagster.stages.state import Gateways, GenerationState

MAX_MODELS = 3
TRIES_PER_MODEL = 3
_MAX_TOKENS = 300


@dataclass(frozen=True)
class Attempt:
    """One answer of one model: a body to try, or the problem that there is none."""

    model: str
    logic: Logic | None
    problem: str | None
    calls: tuple[ModelCall, ...]


class LogicWriter:
    """Attempts for one node. `report` tells the next attempt why the last body was refused."""

    def __init__(self, blueprint: NodeBlueprint, state: GenerationState, gateways: Gateways) -> None:
        self._blueprint = blueprint
        self._state = state
        self._gateways = gateways
        self._last: tuple[str, str] | None = None
        self._spent_nanousd = 0

    def report(self, problem: str) -> None:
        """Why the body that was just given was refused."""
        if self._last is not None:
            self._last = (self._last[0], problem)

    async def attempts(self) -> AsyncIterator[Attempt]:
        """Up to TRIES_PER_MODEL answers of each of the MAX_MODELS cheapest models, while the budget lasts."""
        for model in self._gateways.models.candidates("business_logic")[:MAX_MODELS]:
            self._last = None
            for number in range(TRIES_PER_MODEL):
                if self._state.is_budget_spent(self._spent_nanousd):
                    yield Attempt(model, None, "the request's budget is spent; no further model is asked", ())
                    return
                attempt, can_continue = await self._ask(model, number=number)
                yield attempt
                if not can_continue:
                    break

    async def _ask(self, model: str, *, number: int) -> tuple[Attempt, bool]:
        # First the plain question; then the correction; then afresh, because a small model clings to its error.
        is_correction = number == 1 and self._last is not None
        request = ChatRequest(
            stage="3",
            messages=logic_messages(self._blueprint, refused=self._last if is_correction else None),
            correlation_id=self._state.correlation_id,
            max_tokens=_MAX_TOKENS,
            # The same question at temperature 0 would be answered the same way again.
            temperature=(0.0, 0.2, 0.8)[number],
            deadline_s=self._gateways.model_deadline_s,
        )
        try:
            reply = await self._gateways.models.chat(request, model=model)
        except ProviderError as exc:
            calls = (exc.call,) if exc.call else ()
            # A refused or cut answer may have been paid for.
            self._spent_nanousd += sum(call.cost_nanousd for call in calls)
            return Attempt(model, None, f"{exc.kind}: {exc.message}", calls), isinstance(exc, TruncatedReplyError)
        self._spent_nanousd += reply.call.cost_nanousd
        found = function_from_answer(reply.text, self._blueprint)
        self._last = (reply.text, found.problem or "it was refused")
        if found.source is None:
            return Attempt(model, None, found.problem, (reply.call,)), True
        logic = Logic(
            "model",
            self._blueprint.logic.function,
            source=found.source,
            model=reply.call.model,
            detail="examples passed",
        )
        return Attempt(reply.call.model, logic, None, (reply.call,)), True
