"""What a prompt says about limits, weights, states and windows; and what only looks like it."""

import pytest

from omniclaude_dagster.request.model import ContractHints
from omniclaude_dagster.request.understanding.contract_hints import contract_hints, weights_of
from omniclaude_dagster.request.understanding.states import states_and_transitions


@pytest.mark.parametrize(
    ("prompt", "name", "value"),
    [
        ("scores an offer within 50 ms", "operation_max_ms", 50),
        ("answers in under two seconds", "operation_max_ms", 2_000),
        ("must finish in no more than 1.5 minutes", "operation_max_ms", 90_000),
        ("calls the API with a timeout of 5 seconds", "timeout_ms", 5_000),
        ("calls the API (2.5 s timeout)", "timeout_ms", 2_500),
        ("handles at least 1,000 events per second", "throughput_min_ops_per_second", 1_000.0),
        ("sustains 2k requests/s", "throughput_min_ops_per_second", 2_000.0),
        ("processes 120 orders per minute", "throughput_min_ops_per_second", 2.0),
        ("stays below 256 MB of memory", "memory_limit_mb", 256),
        ("with a memory limit of 2 GB", "memory_limit_mb", 2_048),
        ("retries up to 3 times", "max_attempts", 4),
        ("gives up after three attempts", "max_attempts", 3),
        ("with 5 retries", "max_attempts", 6),
        ("caches results for 10 minutes", "cache_ttl_s", 600),
        ("counts clicks per minute in 5-minute windows", "window_ms", 300_000),
        ("counts clicks per hour", "window_ms", 3_600_000),
    ],
)
def test_a_figure_that_is_said_is_read(prompt: str, name: str, value: float) -> None:
    assert getattr(contract_hints(f"EFFECT node that {prompt}."), name) == value


@pytest.mark.parametrize(
    "prompt",
    [
        "EFFECT node that reads from Kafka and writes to the database",
        "EFFECT node that polls the status page every 5 minutes",
        "EFFECT node that is rate limited to 100 requests per minute",
        "EFFECT node that uploads files of up to 20 MB to S3",
        "COMPUTE node for pricing calculation",
        "REDUCER node for session statistics of version 2 users",
    ],
)
def test_what_states_no_limit_gives_no_hint(prompt: str) -> None:
    assert contract_hints(prompt) == ContractHints()


@pytest.mark.parametrize(
    "prompt",
    [
        "scores an offer from price (weight 0.6) and quality (weight 0.4)",
        "scores with 60% price and 40% quality weights",
        "weights: price 0.6, quality 0.4 where price = 0.6 and quality = 0.4",
    ],
)
def test_weights_of_known_fields_that_sum_to_one_are_read(prompt: str) -> None:
    assert dict(weights_of(prompt, ["price", "quality"])) == {"price": 0.6, "quality": 0.4}


@pytest.mark.parametrize("prompt", ["price weight 0.6 and quality weight 0.3", "takes 60% off the price", "no weights"])
def test_shares_that_do_not_sum_to_one_are_no_weights(prompt: str) -> None:
    assert weights_of(prompt, ["price", "quality"]) == ()


def test_arrows_are_transitions_and_states_keep_the_order_of_their_mention() -> None:
    states, transitions = states_and_transitions("order status: pending -> paid -> shipped, paid => refunded")
    assert states == ("pending", "paid", "shipped", "refunded")
    assert ("paid", "refunded", "to_refunded") in transitions
    assert len(transitions) == 3


def test_what_is_said_to_happen_after_an_arrow_is_its_trigger() -> None:
    _, transitions = states_and_transitions("states: open -> closed on resolve, closed -> open when reopened")
    assert transitions == (("open", "closed", "resolve"), ("closed", "open", "reopened"))


def test_a_reducer_s_arrows_are_states_and_a_single_one_or_another_kind_s_are_not() -> None:
    states, transitions = states_and_transitions("Reducer for orders: new -> paid -> shipped, new -> cancelled")
    assert states == ("new", "paid", "shipped", "cancelled")
    assert len(transitions) == 3
    assert states_and_transitions("Reducer: events -> totals") == ((), ())
    assert states_and_transitions("Reducer that moves totals from new to old to older") == ((), ())
    assert states_and_transitions("Pipeline: load -> check -> store") == ((), ())


def test_a_named_trigger_is_kept() -> None:
    _, transitions = states_and_transitions("state machine: from draft to published on approve")
    assert transitions == (("draft", "published", "approve"),)


def test_a_list_of_states_is_taken_in_its_order() -> None:
    states, transitions = states_and_transitions("with the states idle, running, and done")
    assert states == ("idle", "running", "done")
    assert [t[:2] for t in transitions] == [("idle", "running"), ("running", "done")]


@pytest.mark.parametrize(
    "text",
    [
        "moves rows from staging to production",
        "def f(state: int) -> bool",
        "the state of an order",
        "status: ok",
        "x" * 100_000 + " states",
    ],
)
def test_what_only_looks_like_states_is_not_read(text: str) -> None:
    assert states_and_transitions(text) == ((), ())
