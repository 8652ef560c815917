"""The gate-verified cascade: ask the cheapest model first, verify its answer, go on to the next only when it fails.

    for each model of the chain, cheapest first:
        up to `tries_per_model` times, while the budget lasts:
            attempt -> nothing usable came   -> refused
                    -> a candidate -> verify -> accepted: done
                                             -> refused: the next try of the same model is told why
            refused beyond repair: no further try of this model

Why it saves: verifying costs no call, and a cheap model that is right most of the time leaves few calls to the
expensive one. Whether it *gains* depends on the verifier: what it wrongly accepts is delivered, and what it wrongly
refuses is paid twice. `omniclaude bench cascade` measures exactly this, by running recorded outcomes through the
class below.

Knows neither nodes nor prompts nor HTTP: what an attempt and a verdict are is the caller's. Pure control flow, no
clock, no randomness, no state between runs.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

End = Literal["accepted", "exhausted", "budget_spent", "no_models"]


@dataclass(frozen=True)
class Verdict:
    """What became of one attempt.

    `reason` is what the next try of the same model is told. `is_repairable` False: trying the same model again
    cannot help. `is_usable`: refused, yet better than nothing should no attempt be accepted.
    """

    is_accepted: bool
    reason: str = ""
    is_repairable: bool = True
    is_usable: bool = False

    @classmethod
    def accepted(cls) -> "Verdict":
        """Nothing is wrong with it."""
        return cls(is_accepted=True)

    @classmethod
    def refused(cls, reason: str, *, is_repairable: bool = True, is_usable: bool = False) -> "Verdict":
        """Something is, and this is what."""
        return cls(is_accepted=False, reason=reason, is_repairable=is_repairable, is_usable=is_usable)


@dataclass(frozen=True)
class Answer[C]:
    """What one attempt brought: a candidate to verify, or the refusal that there is none; and what it cost."""

    candidate: C | None
    refusal: Verdict | None = None
    cost_nanousd: int = 0

    def __post_init__(self) -> None:
        if (self.candidate is None) == (self.refusal is None):
            raise ValueError("an answer is either a candidate or a refusal")


@dataclass(frozen=True)
class Tried[C]:
    """One attempt on record. `number` counts the tries of this model, from 0."""

    model: str
    number: int
    answer: Answer[C]
    verdict: Verdict


@dataclass(frozen=True)
class CascadeResult[C]:
    """Everything that was tried, in order, and why it ended."""

    tried: tuple[Tried[C], ...]
    end: End

    @property
    def accepted(self) -> Tried[C] | None:
        """The attempt that was accepted: always the last one, if any."""
        return self.tried[-1] if self.end == "accepted" else None

    @property
    def second_best(self) -> Tried[C] | None:
        """The latest attempt that was refused but is usable: it comes from the strongest model that was asked."""
        return next((t for t in reversed(self.tried) if t.verdict.is_usable), None)

    @property
    def models_asked(self) -> tuple[str, ...]:
        """Each model once, in the order in which they were asked."""
        return tuple(dict.fromkeys(t.model for t in self.tried))

    @property
    def cost_nanousd(self) -> int:
        """Cost of all attempts."""
        return sum(t.answer.cost_nanousd for t in self.tried)


# (model, number of the try, the last refused attempt of the same model) -> what it answered.
type Attempt[C] = Callable[[str, int, Tried[C] | None], Awaitable[Answer[C]]]
type Verify[C] = Callable[[C], Awaitable[Verdict]]


def _no_limit(_spent_nanousd: int) -> bool:
    return False


@dataclass(frozen=True)
class Cascade:
    """A chain of models and how patient to be with each.

    `is_spent` is asked before every attempt with what the attempts of this run have cost so far, in nano-dollars.
    """

    models: Sequence[str]
    tries_per_model: int = 1
    is_spent: Callable[[int], bool] = _no_limit

    def __post_init__(self) -> None:
        if self.tries_per_model < 1:
            raise ValueError("every model of a cascade is tried at least once")

    async def run[C](self, *, attempt: Attempt[C], verify: Verify[C]) -> CascadeResult[C]:
        """Walk the chain until an attempt is accepted. Whatever `attempt` or `verify` raise ends the walk."""
        tried: list[Tried[C]] = []
        for model in self.models:
            last: Tried[C] | None = None
            for number in range(self.tries_per_model):
                if self.is_spent(sum(t.answer.cost_nanousd for t in tried)):
                    return CascadeResult(tuple(tried), "budget_spent")
                answer = await attempt(model, number, last)
                last = Tried(model, number, answer, await _verdict_of(answer, verify))
                tried.append(last)
                if last.verdict.is_accepted:
                    return CascadeResult(tuple(tried), "accepted")
                if not last.verdict.is_repairable:
                    break
        return CascadeResult(tuple(tried), "exhausted" if tried else "no_models")


async def _verdict_of[C](answer: Answer[C], verify: Verify[C]) -> Verdict:
    if answer.candidate is None:
        return answer.refusal or Verdict.refused("nothing was answered")
    return await verify(answer.candidate)
