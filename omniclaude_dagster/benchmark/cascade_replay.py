"""Replays recorded outcomes through the very `Cascade` that generation uses, in two ways.

`expected` is exact: it follows every way a run can go (the answer is right or not, the verifier says so or not) and
weighs it with its probability. `simulated` throws dice with a seed. The two share nothing but the cascade and the
outcomes, so where they disagree one of them is wrong.

Samples of a model are taken as independent, also those of several tries. What the last model of the chain answered
is delivered even when the verifier refuses it: somebody has to answer. `accepted` counts only what was verified.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from omniclaude_dagster.benchmark.cascade_outcomes import Outcomes
from omniclaude_dagster.providers.cascade import Answer, Cascade, Tried, Verdict

# Two-sided 95 % and 99 % of the normal distribution.
_Z95, _Z99 = 1.959964, 2.575829


@dataclass(frozen=True)
class Verifier:
    """`sensitivity`: share of wrong answers it refuses. `false_reject`: share of right answers it refuses too."""

    sensitivity: float = 1.0
    false_reject: float = 0.0


@dataclass(frozen=True)
class Tally:
    """What the runs came to, as means over runs. `calls` are calls of each model for one task."""

    passed: float
    accepted: float
    asked_last: float
    calls: dict[str, float]


@dataclass(frozen=True)
class Interval:
    """A confidence interval."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether the value lies in it, but for rounding."""
        return self.low - 1e-9 <= value <= self.high + 1e-9


@dataclass(frozen=True)
class Expectation:
    """The exact result. `gain` is cascade minus the last model alone; its interval is over tasks, paired, 95 %."""

    tally: Tally
    passed_by_task: tuple[float, ...]
    gain: float
    gain_interval: Interval


@dataclass(frozen=True)
class Simulation:
    """The sampled result of `runs` runs, with 99 % intervals of its own sampling error."""

    tally: Tally
    runs: int
    passed_interval: Interval
    asked_last_interval: Interval

    def agrees_with(self, expected: Tally) -> bool:
        """Whether the exact values lie in the intervals."""
        is_passed_in = self.passed_interval.holds(expected.passed)
        return is_passed_in and self.asked_last_interval.holds(expected.asked_last)


class _Dice(Protocol):
    def is_so(self, probability: float) -> bool: ...


@dataclass(frozen=True)
class _Sample:
    """A candidate of the replay: all that counts is whether it is right."""

    is_right: bool


@dataclass(frozen=True)
class _Run:
    is_passed: bool
    is_accepted: bool
    models: tuple[str, ...]


@dataclass(frozen=True)
class Replay:
    """A chain (columns of the outcomes, cheapest first) and the verifier between its models."""

    outcomes: Outcomes
    chain: Sequence[str]
    verifier: Verifier = field(default_factory=Verifier)
    tries_per_model: int = 1

    def alone(self, model: str) -> float:
        """Passing share of one model, asked once a task."""
        rates = self.outcomes.rates[model]
        return sum(rates) / len(rates)

    async def expected(self) -> Expectation:
        """The exact expectation, by following every branch."""
        tallies = [await self._expected_of(task) for task in range(len(self.outcomes.tasks))]
        last = self.outcomes.rates[self.chain[-1]]
        gains = [tally.passed - alone for tally, alone in zip(tallies, last, strict=True)]
        return Expectation(
            _mean_of(tallies), tuple(t.passed for t in tallies), sum(gains) / len(gains), _interval_of_mean(gains)
        )

    async def simulated(self, *, seed: int, runs_per_task: int) -> Simulation:
        """`runs_per_task` runs of every task with dice thrown from `seed`."""
        dice = _Thrown(random.Random(seed))  # noqa: S311  (a simulation that must be repeatable, no secret)
        tallies = [
            _tally_of(await self._run(task, dice), 1.0, self.chain)
            for task in range(len(self.outcomes.tasks))
            for _ in range(runs_per_task)
        ]
        mean, count = _mean_of(tallies), len(tallies)
        return Simulation(mean, count, wilson(mean.passed, count), wilson(mean.asked_last, count))

    async def _expected_of(self, task: int) -> Tally:
        parts: list[Tally] = []
        waiting: list[tuple[bool, ...]] = [()]
        while waiting:
            dice = _Followed(waiting.pop())
            run = await self._run(task, dice)
            parts.append(_tally_of(run, dice.weight, self.chain))
            waiting += dice.other_ways()
        return _sum_of(parts)

    async def _run(self, task: int, dice: _Dice) -> _Run:
        async def attempt(model: str, _number: int, _last: Tried[_Sample] | None) -> Answer[_Sample]:
            return Answer(_Sample(dice.is_so(self.outcomes.rates[model][task])))

        async def verify(sample: _Sample) -> Verdict:
            refuses = self.verifier.false_reject if sample.is_right else self.verifier.sensitivity
            return Verdict.refused("an example fails") if dice.is_so(refuses) else Verdict.accepted()

        result = await Cascade(self.chain, self.tries_per_model).run(attempt=attempt, verify=verify)
        delivered = result.tried[-1].answer.candidate
        is_passed = delivered is not None and delivered.is_right
        return _Run(is_passed, result.accepted is not None, tuple(t.model for t in result.tried))


@dataclass(frozen=True)
class _Thrown:
    random: random.Random

    def is_so(self, probability: float) -> bool:
        return self.random.random() < probability


class _Followed:
    """Answers as one branch of all that can happen says; beyond its beginning always "yes" where that is possible."""

    def __init__(self, beginning: tuple[bool, ...]) -> None:
        self._beginning = beginning
        self._taken: list[bool] = []
        self.weight = 1.0

    def is_so(self, probability: float) -> bool:
        if not 0 < probability < 1:
            return probability >= 1
        position = len(self._taken)
        is_yes = self._beginning[position] if position < len(self._beginning) else True
        self._taken.append(is_yes)
        self.weight *= probability if is_yes else 1 - probability
        return is_yes

    def other_ways(self) -> list[tuple[bool, ...]]:
        """The branches that leave this one after its beginning."""
        return [(*self._taken[:i], not self._taken[i]) for i in range(len(self._beginning), len(self._taken))]


def wilson(share: float, count: int, *, z: float = _Z99) -> Interval:
    """Interval of a share of `count` yes-or-no outcomes (Wilson), by default 99 %."""
    denominator = 1 + z * z / count
    centre = (share + z * z / (2 * count)) / denominator
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / denominator
    return Interval(centre - half, centre + half)


def _interval_of_mean(values: Sequence[float]) -> Interval:
    mean = sum(values) / len(values)
    if len(values) < 2:
        return Interval(-math.inf, math.inf)
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    half = _Z95 * deviation / math.sqrt(len(values))
    return Interval(mean - half, mean + half)


def _tally_of(run: _Run, weight: float, chain: Sequence[str]) -> Tally:
    return Tally(
        passed=weight * run.is_passed,
        accepted=weight * run.is_accepted,
        asked_last=weight * (chain[-1] in run.models),
        calls={model: weight * run.models.count(model) for model in chain},
    )


def _sum_of(tallies: Sequence[Tally]) -> Tally:
    return Tally(
        passed=math.fsum(t.passed for t in tallies),
        accepted=math.fsum(t.accepted for t in tallies),
        asked_last=math.fsum(t.asked_last for t in tallies),
        calls={model: math.fsum(t.calls[model] for t in tallies) for model in tallies[0].calls},
    )


def _mean_of(tallies: Sequence[Tally]) -> Tally:
    whole, count = _sum_of(tallies), len(tallies)
    return Tally(
        whole.passed / count,
        whole.accepted / count,
        whole.asked_last / count,
        {model: calls / count for model, calls in whole.calls.items()},
    )
