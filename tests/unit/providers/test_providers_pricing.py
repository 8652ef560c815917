"""Money: exact, rounded up, and never guessed."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniclaude_dagster.providers.errors import PriceUnknownError
from omniclaude_dagster.providers.model import Message
from omniclaude_dagster.providers.pricing import Usage, cost_nanousd, price_on, usage_of
from tests.support.model_gateways import model_entry, price

PROMPT = [Message("user", "x" * 30)]


def test_a_million_tokens_cost_the_listed_price() -> None:
    listed = price_on(model_entry(prices=[price("2025-01-01", "0.30", "2.50")]), date(2025, 1, 1))
    assert cost_nanousd(Usage(1_000_000, 0), price=listed) == 300_000_000
    assert cost_nanousd(Usage(0, 1_000_000), price=listed) == 2_500_000_000


def test_a_fraction_of_a_nanodollar_is_rounded_up() -> None:
    listed = price_on(model_entry(prices=[price("2025-01-01", "0.0001", "0.00075")]), date(2025, 1, 1))
    assert cost_nanousd(Usage(1, 0), price=listed) == 1
    assert cost_nanousd(Usage(10, 0), price=listed) == 1
    assert cost_nanousd(Usage(0, 3), price=listed) == 3
    assert cost_nanousd(Usage(0, 0), price=listed) == 0


@given(
    st.integers(0, 10**7), st.integers(0, 10**7), st.decimals(0, 1000, places=4), st.decimals("0.01", 1000, places=4)
)
def test_the_cost_is_never_below_the_exact_product_and_less_than_one_above(
    tokens_in: int, tokens_out: int, usd_in: Decimal, usd_out: Decimal
) -> None:
    listed = price_on(model_entry(prices=[price("2025-01-01", f"{usd_in:f}", f"{usd_out:f}")]), date(2025, 1, 1))
    exact = (usd_in * tokens_in + usd_out * tokens_out) * 1000
    cost = cost_nanousd(Usage(tokens_in, tokens_out), price=listed)
    assert exact <= cost < exact + 1


def test_the_price_in_force_on_the_day_counts() -> None:
    entry = model_entry(prices=[price("2025-06-01", "2", "2"), price("2025-01-01", "1", "1")])
    assert price_on(entry, date(2025, 5, 31)).input_usd_per_million_tokens == 1
    assert price_on(entry, date(2025, 6, 1)).input_usd_per_million_tokens == 2


@pytest.mark.parametrize("prices", [[], [price("2099-01-01", "1", "1")]])
def test_a_model_without_a_price_in_force_is_named(prices: list[object]) -> None:
    with pytest.raises(PriceUnknownError, match="'test-model'"):
        price_on(model_entry(prices=prices), date(2025, 1, 1))


@pytest.mark.parametrize("claimed", [None, -1, 0, 10**12, "12", 1.5, True, float("nan"), [], {}])
def test_impossible_claims_are_estimated(claimed: object) -> None:
    usage = usage_of(claimed, 5, messages=PROMPT, text="abc", context_window=8192)
    assert usage == Usage(14, 5, is_estimated=True)


def test_possible_claims_are_believed() -> None:
    assert usage_of(7, 5, messages=PROMPT, text="abc", context_window=8192) == Usage(7, 5)


def test_usage_of_several_attempts_adds_up_and_stays_flagged() -> None:
    assert Usage(1, 2) + Usage(3, 4, is_estimated=True) == Usage(4, 6, is_estimated=True)
