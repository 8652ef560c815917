"""Asks the seats of a panel, all at once, and turns whatever comes back into ballots.

    models of each seat, without those that are not configured
    -> each seat claims its first free model: the heavier seat before the lighter, then the earlier one
    -> all are asked at the same time
        -> a vote, or an answer of another shape: the seat is done
        -> the provider failed: the seat's next free model is asked
    -> one model that answered two seats (under two names) votes for the first of them only; the other goes on

A model is asked once at most. Who is asked for whom depends on weights, order and outcomes, never on who is quicker:
a fallback that a heavier seat may still need is waited for. Whatever fails, the seat abstains and the others go on.
"""

import asyncio
import logging
import math
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from omniclaude_dagster.errors import OmniClaudeError
from omniclaude_dagster.providers.errors import NotRecordedError, ProviderError
from omniclaude_dagster.providers.model import ChatReply, ChatRequest, ModelCall, ModelGateway
from omniclaude_dagster.quorum.ballot import (
    BallotContent,
    MalformedBallotError,
    ballot_messages,
    ballot_schema,
    read_ballot,
)
from omniclaude_dagster.quorum.model import Ballot, Candidate, Panel, Seat
from omniclaude_dagster.quorum.panel import STAGE, resolved

BUDGET_SPENT = "the request's budget is spent; no further model is asked"
ANSWER_TOKENS = 1200
_STAGE_NUMBER = "5.5"
# A gateway keeps to its own deadline and leaves the record of the call; this only ends one that does not.
_GRACE_S = 2.0
_MAX_REASON_CHARS = 1000

logger = logging.getLogger(__name__)

# Whether the budget is spent once this many nano-dollars more are.
type BudgetCheck = Callable[[int], bool]


@dataclass(eq=False)
class _Turn:
    """One seat while it is asked. `left`: models it may still ask; `claimed`: the one it will ask next."""

    seat: Seat
    left: list[str]
    claimed: str | None = None
    model: str = ""
    content: BallotContent | None = None
    is_decided: bool = False
    calls: list[ModelCall] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def ballot(self) -> Ballot:
        """What became of the seat."""
        content = self.content
        shared = Ballot(
            seat=self.seat.name,
            weight=self.seat.weight,
            model=self.model,
            latency_ms=math.fsum(call.latency_ms for call in self.calls),
            calls=tuple(self.calls),
        )
        if content is None:
            reasons = [*self.seat.skipped, *self.problems]
            return replace(shared, abstained_because="; ".join(reasons)[:_MAX_REASON_CHARS] or "no model to ask")
        return replace(
            shared,
            score=content.score,
            verdict=content.verdict,
            deficiencies=content.deficiencies,
            edit=replace(content.edit, proposed_by=self.model) if content.edit else None,
            notes=content.notes,
        )


async def ask_panel(
    panel: Panel,
    candidate: Candidate,
    models: ModelGateway,
    *,
    correlation_id: uuid.UUID,
    deadline_s: float,
    is_budget_spent: BudgetCheck | None = None,
) -> tuple[Ballot, ...]:
    """One ballot a seat, in the order of the seats. `deadline_s` holds for each seat with all its models.

    Raises nothing but cancellation: a seat that cannot vote abstains, and its ballot says why.
    """
    question = ChatRequest(
        stage=_STAGE_NUMBER,
        messages=(),
        correlation_id=correlation_id,
        max_tokens=ANSWER_TOKENS,
        json_schema=ballot_schema(candidate),
        deadline_s=deadline_s,
    )
    ready = resolved(panel, usable=models.candidates(STAGE))
    return await _Vote(ready.seats, candidate, question, models, is_budget_spent or (lambda _more: False)).run()


class _Vote:
    """One panel at work. Use once."""

    def __init__(
        self,
        seats: Sequence[Seat],
        candidate: Candidate,
        question: ChatRequest,
        models: ModelGateway,
        is_budget_spent: BudgetCheck,
    ) -> None:
        self._candidate = candidate
        self._question = question
        self._models = models
        self._is_budget_spent = is_budget_spent
        self._turns = [_Turn(seat, list(seat.models)) for seat in seats]
        # Sorting is stable: of equal weights the earlier seat comes first.
        self._by_priority = sorted(self._turns, key=lambda turn: -turn.seat.weight)
        self._asked: dict[str, str] = {}
        self._changed = asyncio.Event()

    async def run(self) -> tuple[Ballot, ...]:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._question.deadline_s
        for turn in self._by_priority:
            turn.claimed = self._claim(turn)
        while waiting := [turn for turn in self._turns if not turn.is_decided]:
            await asyncio.gather(*(self._sit(turn, ends_at) for turn in waiting))
            self._take_second_votes()
        return tuple(turn.ballot() for turn in self._turns)

    async def _sit(self, turn: _Turn, ends_at: float) -> None:
        try:
            async with asyncio.timeout_at(ends_at + _GRACE_S):
                await self._ask_in_order(turn, ends_at)
        except TimeoutError:
            turn.problems.append(f"no answer within {self._question.deadline_s:g} s")
        except OmniClaudeError as exc:
            turn.problems.append(str(exc))
        except Exception as exc:  # a defect of one seat must not lose the votes of the others
            logger.exception("seat %s has a defect", turn.seat.name)
            turn.problems.append(f"defect: {type(exc).__name__}: {exc}")
        turn.is_decided = True
        self._announce()

    async def _ask_in_order(self, turn: _Turn, ends_at: float) -> None:
        loop = asyncio.get_running_loop()
        while (model := await self._next_model(turn)) is not None:
            left_s = ends_at - loop.time()
            if left_s <= 0:
                turn.problems.append(f"no time left for {model}")
                return
            if self._is_budget_spent(sum(call.cost_nanousd for t in self._turns for call in t.calls)):
                turn.problems.append(BUDGET_SPENT)
                return
            turn.model = model
            messages = ballot_messages(self._candidate, seat=turn.seat.name)
            try:
                reply = await self._models.chat(
                    replace(self._question, messages=messages, deadline_s=left_s), model=model
                )
            except ProviderError as exc:
                turn.problems.append(f"{model}: {exc.kind}: {exc.message}")
                self._note_failure(turn, exc)
                if isinstance(exc, NotRecordedError):
                    # Another model's recorded answer would replay something else.
                    return
                continue
            self._read(turn, reply)
            return

    def _note_failure(self, turn: _Turn, error: ProviderError) -> None:
        if error.call is not None:
            turn.model = error.call.model
            turn.calls.append(replace(error.call, verdict=f"{error.kind}: {error.message}"[:_MAX_REASON_CHARS]))

    def _read(self, turn: _Turn, reply: ChatReply) -> None:
        turn.model = reply.call.model
        try:
            turn.content = read_ballot(reply.data, self._candidate)
            verdict = "; ".join(["accepted", *turn.content.notes])
        except MalformedBallotError as exc:
            verdict = f"malformed answer: {exc}"
            turn.problems.append(f"{turn.model}: {verdict}")
        turn.calls.append(replace(reply.call, verdict=verdict[:_MAX_REASON_CHARS]))

    async def _next_model(self, turn: _Turn) -> str | None:
        """The seat's next model that nobody was asked for; waits where a seat before it may still need that one."""
        if turn.claimed is not None:
            first, turn.claimed = turn.claimed, None
            return first
        while turn.left:
            if turn.left[0] not in self._asked and self._is_wanted_before(turn, turn.left[0]):
                self._changed.clear()
                await self._changed.wait()
            elif (claimed := self._claim(turn, only_first=True)) is not None:
                return claimed
        return None

    def _claim(self, turn: _Turn, *, only_first: bool = False) -> str | None:
        """Take the first free model of those that are left (or just the first one); the others are used up."""
        while turn.left:
            name = turn.left.pop(0)
            if name not in self._asked:
                self._asked[name] = turn.seat.name
                self._announce()
                return name
            turn.problems.append(f"{name} is asked for seat {self._asked[name]}")
            if only_first:
                break
        return None

    def _is_wanted_before(self, turn: _Turn, model: str) -> bool:
        before = self._by_priority[: self._by_priority.index(turn)]
        return any(model in other.left and not other.is_decided for other in before)

    def _announce(self) -> None:
        """Wake the seats that wait for a change."""
        self._changed.set()

    def _take_second_votes(self) -> None:
        """A model has one vote: "default" and its own name may be the same one, which only its answer tells."""
        first: dict[str, _Turn] = {}
        for turn in self._by_priority:
            if turn.content is None:
                continue
            owner = first.setdefault(turn.model, turn)
            if owner is not turn:
                turn.content, turn.is_decided = None, False
                turn.problems.append(f"{turn.model} has voted already, for seat {owner.seat.name}")
