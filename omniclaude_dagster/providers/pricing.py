"""From token counts to money: integer nano-dollars, exact, rounded up. Prices themselves live in the catalog.

1 USD per million tokens is 1,000 nano-dollars per token.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal

from omniclaude_dagster.providers.catalog import ModelEntry, Price
from omniclaude_dagster.providers.errors import PriceUnknownError
from omniclaude_dagster.providers.model import Message

_NANOUSD_PER_TOKEN_AT_ONE_USD_PER_MILLION = 1_000
# English prose is about 4 bytes a token, code about 3: the estimate errs towards spending more.
_BYTES_PER_TOKEN = 3
# Role markers around each message.
_TOKENS_PER_MESSAGE = 4


@dataclass(frozen=True)
class Usage:
    """Tokens of one or several answers; `is_estimated` when a host's own numbers were missing or absurd."""

    tokens_input: int = 0
    tokens_output: int = 0
    is_estimated: bool = False

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.tokens_input + other.tokens_input,
            self.tokens_output + other.tokens_output,
            self.is_estimated or other.is_estimated,
        )


def price_on(entry: ModelEntry, day: date) -> Price:
    """Return the price in force on `day` (UTC). Raises PriceUnknownError naming the model."""
    in_force = [price for price in entry.prices if price.effective_date <= day]
    if not in_force:
        raise PriceUnknownError(
            f"model {entry.name!r} has no price in force on {day.isoformat()}.",
            cure=f"add a price with its effective_date to {entry.source_file or 'the catalog'}",
        )
    return max(in_force, key=lambda price: price.effective_date)


def cost_nanousd(usage: Usage, *, price: Price) -> int:
    """Return what the tokens cost, rounded up to a whole nano-dollar."""
    usd_per_million = (
        price.input_usd_per_million_tokens * usage.tokens_input
        + price.output_usd_per_million_tokens * usage.tokens_output
    )
    exact = usd_per_million * _NANOUSD_PER_TOKEN_AT_ONE_USD_PER_MILLION
    return int(exact.to_integral_value(rounding=ROUND_CEILING))


def blended_usd_per_million(price: Price) -> Decimal:
    """One number to sort by: three parts input, one part output, the usual shape of our prompts."""
    return (3 * price.input_usd_per_million_tokens + price.output_usd_per_million_tokens) / 4


def usage_of(
    reported_input: object,
    reported_output: object,
    *,
    messages: Iterable[Message],
    text: str,
    context_window: int,
) -> Usage:
    """Believe the host's token counts if they are possible, else estimate from the texts and flag it."""
    is_input_believed = _is_possible(reported_input, at_least=1, context_window=context_window)
    is_output_believed = _is_possible(reported_output, at_least=1 if text else 0, context_window=context_window)
    return Usage(
        tokens_input=reported_input
        if is_input_believed and isinstance(reported_input, int)
        else estimated_prompt_tokens(messages),
        tokens_output=reported_output
        if is_output_believed and isinstance(reported_output, int)
        else estimated_tokens(text),
        is_estimated=not (is_input_believed and is_output_believed),
    )


def estimated_prompt_tokens(messages: Iterable[Message]) -> int:
    """Return the estimated number of tokens in a prompt."""
    return sum(estimated_tokens(message.content) + _TOKENS_PER_MESSAGE for message in messages)


def estimated_tokens(text: str) -> int:
    """Return the estimated number of tokens in a text."""
    return estimated_tokens_of_bytes(len(text.encode("utf-8", "replace")))


def estimated_tokens_of_bytes(size_bytes: int) -> int:
    """Return the estimated number of tokens in so many bytes of text."""
    return math.ceil(size_bytes / _BYTES_PER_TOKEN)


def _is_possible(reported: object, *, at_least: int, context_window: int) -> bool:
    if isinstance(reported, bool) or not isinstance(reported, int):
        return False
    # Hosts may serve a longer context than the catalog knows of, but not twice as long.
    return at_least <= reported <= 2 * context_window
