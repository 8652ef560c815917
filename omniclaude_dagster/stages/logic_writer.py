"""Asks models for the body of a pure operation: cheapest first, each told what was wrong with its last answer.

Whether an answer is accepted is decided by the caller, by executing it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from omniclaude_dagster.node.blueprint import Logic, NodeBlueprint
from omniclaude_dagster.providers.errors import ProviderError
from omniclaude_dagster.providers.model import ChatRequest, ModelCall
from omniclaude_dagster.stages.logic_code import function_from_answer
from omniclaude_dagster.stages.logic_prompt import logic_messages
from omniclaude_dagster.stages.model import NANOUSD_PER_USD
from omniclaude_dagster.stages.state import Gateways, GenerationState

MAX_MODELS = 3
TRIES_PER_MODEL = 3
_MAX_TOKENS = 400


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
        self._spent_nanousd = state.spent_nanousd

    def report(self, problem: str) -> None:
        """Why the body that was just given was refused."""
        if self._last is not None:
            self._last = (self._last[0], problem)

    async def attempts(self) -> AsyncIterator[Attempt]:
        """Up to TRIES_PER_MODEL answers of each of the MAX_MODELS cheapest models, while the budget lasts."""
        for model in self._gateways.models.candidates("business_logic")[:MAX_MODELS]:
            self._last = None
            for _ in range(TRIES_PER_MODEL):
                if self._is_budget_spent():
                    yield Attempt(model, None, "the request's budget is spent; no further model is asked", ())
                    return
                attempt, can_continue = await self._ask(model)
                yield attempt
                if not can_continue:
                    break

    def _is_budget_spent(self) -> bool:
        budget_usd = self._state.request.budget_usd
        return budget_usd is not None and self._spent_nanousd >= budget_usd * NANOUSD_PER_USD

    async def _ask(self, model: str) -> tuple[Attempt, bool]:
        request = ChatRequest(
            stage="3",
            messages=logic_messages(self._blueprint, refused=self._last),
            correlation_id=self._state.correlation_id,
            max_tokens=_MAX_TOKENS,
            # The same question at temperature 0 would be answered the same way again.
            temperature=0.0 if self._last is None else 0.7,
            deadline_s=self._gateways.model_deadline_s,
        )
        try:
            reply = await self._gateways.models.chat(request, model=model)
        except ProviderError as exc:
            calls = (exc.call,) if exc.call else ()
            return Attempt(model, None, f"{exc.kind}: {exc.message}", calls), False
        self._spent_nanousd += reply.call.cost_nanousd
        found = function_from_answer(reply.text, self._blueprint)
        self._last = (reply.text, found.problem or "it was refused")
        if found.source is None:
            return Attempt(model, None, found.problem, (reply.call,)), True
        logic = Logic(
            "model", self._blueprint.logic.function, source=found.source, model=model, detail="examples passed"
        )
        return Attempt(model, logic, None, (reply.call,)), True
