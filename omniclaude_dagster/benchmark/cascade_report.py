"""What `omniclaude bench cascade` says: the exact figures, the simulation beside them, prices, and the verdict."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from omniclaude_dagster.benchmark.cascade_replay import Expectation, Interval, Replay, Simulation
from omniclaude_dagster.providers.catalog import Catalog, ModelEntry
from omniclaude_dagster.providers.errors import PriceUnknownError
from omniclaude_dagster.providers.pricing import blended_usd_per_million, price_on

Outcome = Literal["wins", "loses", "ties"]
_SERVED_BY = re.compile(r"_(?:vllm|openai|google|bedrock|hf)(?:_.*)?\Z")
_DATED = re.compile(r"-(?:\d{3}|\d{8}|\d{4}-\d{2}-\d{2})\Z")


@dataclass(frozen=True)
class CascadeReport:
    """The result of one replay. `prices` are blended USD per million tokens; None where the catalog has none."""

    replay: Replay
    expected: Expectation
    simulated: Simulation
    prices: Mapping[str, Decimal | None]
    seed: int

    @property
    def outcome(self) -> Outcome:
        """The cascade against the expensive model alone, by the exact figures."""
        if abs(self.expected.gain) < 1e-9:
            return "ties"
        return "wins" if self.expected.gain > 0 else "loses"

    @property
    def is_clear(self) -> bool:
        """Whether so many tasks suffice to say so: the interval of the gain leaves out 0."""
        return not self.expected.gain_interval.holds(0.0)

    @property
    def is_agreeing(self) -> bool:
        """Whether simulation and expectation agree."""
        return self.simulated.agrees_with(self.expected.tally)

    @property
    def cost_ratio(self) -> float | None:
        """Cost of the cascade over cost of the expensive model alone; None where a price that counts is not known.

        A call is taken to be equally long on every model.
        """
        last = self.replay.chain[-1]
        calls = self.expected.tally.calls
        price = self.prices[last]
        others = [(calls[model], self.prices[model]) for model in self.replay.chain[:-1]]
        if all(known is not None and not known for _, known in others) and (price is None or price):
            return calls[last]
        if not price or any(known is None for _, known in others):
            return None
        return calls[last] + sum(count * float(known / price) for count, known in others if known is not None)

    def as_json(self) -> dict[str, Any]:
        """The object that `bench cascade --json` prints."""
        expected, simulated = self.expected.tally, self.simulated
        return {
            "chain": list(self.replay.chain),
            "tasks": len(self.replay.outcomes.tasks),
            "tries_per_model": self.replay.tries_per_model,
            "sensitivity": self.replay.verifier.sensitivity,
            "false_reject": self.replay.verifier.false_reject,
            "alone": {model: self.replay.alone(model) for model in self.replay.chain},
            "exact": {
                "pass_rate": expected.passed,
                "expensive_calls": expected.asked_last,
                "accepted_by_verifier": expected.accepted,
                "calls_per_task": expected.calls,
            },
            "simulated": {
                "seed": self.seed,
                "runs": simulated.runs,
                "pass_rate": simulated.tally.passed,
                "pass_rate_interval_99": _pair(simulated.passed_interval),
                "expensive_calls": simulated.tally.asked_last,
                "expensive_calls_interval_99": _pair(simulated.asked_last_interval),
                "agrees_with_exact": self.is_agreeing,
            },
            "against_expensive_alone": {
                "outcome": self.outcome,
                "gain": self.expected.gain,
                "gain_interval_95_over_tasks": _pair(self.expected.gain_interval),
                "is_clear": self.is_clear,
                "cost_ratio": self.cost_ratio,
            },
            "usd_per_million_tokens": {m: None if p is None else float(p) for m, p in self.prices.items()},
        }


async def cascade_report(
    replay: Replay, *, seed: int, runs_per_task: int, catalog: Catalog, today: date
) -> CascadeReport:
    """Replay the chain both ways."""
    return CascadeReport(
        replay=replay,
        expected=await replay.expected(),
        simulated=await replay.simulated(seed=seed, runs_per_task=runs_per_task),
        prices=prices_of(replay.chain, catalog=catalog, today=today),
        seed=seed,
    )


def prices_of(models: Sequence[str], *, catalog: Catalog, today: date) -> dict[str, Decimal | None]:
    """Blended price of each model of the outcomes that the catalog knows."""
    return {model: _price(_entry_of(model, catalog), today) for model in models}


def _entry_of(model: str, catalog: Catalog) -> ModelEntry | None:
    """The catalog's entry for a column such as `google--gemma-2-9b-it_vllm_temp_1.0`."""
    served = _SERVED_BY.sub("", model).casefold()
    names = {served, _DATED.sub("", served)}
    found = (e for e in catalog.entries.values() if _names(e) & names)
    return next(found, None)


def _names(entry: ModelEntry) -> set[str]:
    return {entry.name.casefold(), entry.remote_model.replace("/", "--").casefold()}


def _price(entry: ModelEntry | None, today: date) -> Decimal | None:
    try:
        return None if entry is None else blended_usd_per_million(price_on(entry, today))
    except PriceUnknownError:
        return None


def _pair(interval: Interval) -> list[float] | None:
    """JSON has no infinity: an interval that says nothing is none."""
    return [interval.low, interval.high] if interval.low > float("-inf") else None
