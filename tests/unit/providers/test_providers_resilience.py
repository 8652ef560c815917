"""Retries, Retry-After, circuits and host choice, with time under the test's control."""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from omniclaude_dagster.providers.errors import (
    AuthError,
    CircuitOpenError,
    EmptyReplyError,
    ModelConnectionError,
    ProviderError,
    RateLimitedError,
    ServerError,
)
from omniclaude_dagster.providers.pool import HostPool
from omniclaude_dagster.providers.resilience import Circuit, CircuitPolicy, Clock, RetryPolicy, parsed_retry_after_s

NOW = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)


@dataclass
class FakeTime:
    """Time that passes only when somebody sleeps."""

    now: float = 1_000.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> Clock:
        return Clock(monotonic=lambda: self.now, utc_now=lambda: NOW, sleep=self.sleep)


async def _tried(error: ProviderError, *, policy: RetryPolicy, time: FakeTime, deadline_s: float = 1e6) -> int:
    calls = 0

    async def fail() -> None:
        nonlocal calls
        calls += 1
        raise error

    with pytest.raises(type(error)):
        await policy.retrying(clock=time.clock(), deadline=time.now + deadline_s)(fail)
    return calls


async def test_retries_are_bounded_and_wait_within_a_doubling_random_range() -> None:
    time = FakeTime()
    policy = RetryPolicy(max_attempts=6, first_wait_s=1.0, longest_wait_s=4.0)
    random.seed(7)
    assert await _tried(ServerError("no"), policy=policy, time=time) == 6
    assert len(time.slept) == 5
    assert all(0 <= wait <= top for wait, top in zip(time.slept, [1, 2, 4, 4, 4], strict=True))
    assert len(set(time.slept)) == 5, "without jitter all who failed together come back together"


@pytest.mark.parametrize("error", [AuthError("no"), CircuitOpenError("no")])
async def test_what_a_retry_cannot_help_is_not_retried(error: ProviderError) -> None:
    time = FakeTime()
    assert await _tried(error, policy=RetryPolicy(), time=time) == 1
    assert time.slept == []


async def test_retry_after_is_waited_for_plus_jitter() -> None:
    time = FakeTime()
    await _tried(RateLimitedError("no", retry_after_s=7.0), policy=RetryPolicy(max_attempts=2), time=time)
    assert 7.0 <= time.slept[0] <= 7.5


async def test_retry_after_beyond_the_cap_ends_the_call() -> None:
    time = FakeTime()
    error = RateLimitedError("no", retry_after_s=20.5)
    assert await _tried(error, policy=RetryPolicy(longest_retry_after_s=20.0), time=time) == 1
    assert time.slept == []
    assert "It asks to wait 3600 s" in RetryPolicy().explain(3600.0)
    assert RetryPolicy().explain(None) == RetryPolicy().explain(20.0) == ""


async def test_a_wait_that_would_pass_the_deadline_is_not_begun() -> None:
    time = FakeTime()
    error = RateLimitedError("no", retry_after_s=5.0)
    assert await _tried(error, policy=RetryPolicy(), time=time, deadline_s=4.0) == 1
    assert time.slept == []


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("12", 12.0),
        ("1.5", 1.5),
        ("-3", None),
        ("inf", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Sat, 01 Mar 2025 12:01:30 GMT", 90.0),
        ("Sat, 01 Mar 2025 11:00:00 GMT", 0.0),
        ("Sat, 99 Mar 2025 11:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str | None, seconds: float | None) -> None:
    assert parsed_retry_after_s(value, now=NOW) == seconds


# Circuits

POLICY = CircuitPolicy(failures_to_open=3, first_pause_s=5.0, longest_pause_s=15.0, longest_asked_pause_s=100.0)


def test_a_circuit_opens_after_failures_in_a_row_only() -> None:
    circuit = Circuit(POLICY)
    for _ in range(2):
        circuit.fail(0.0, error=ServerError("no"), is_trial=False)
    circuit.succeed(is_trial=False)
    for _ in range(2):
        circuit.fail(1.0, error=ServerError("no"), is_trial=False)
    assert circuit.is_passable(1.0)
    circuit.fail(1.0, error=ServerError("no"), is_trial=False)
    assert not circuit.is_passable(5.9)


def test_exactly_one_trial_passes_after_the_pause_and_a_failed_one_doubles_it() -> None:
    circuit = Circuit(POLICY)
    for _ in range(3):
        circuit.fail(0.0, error=ServerError("no"), is_trial=False)
    now, pauses = 0.0, []
    for _ in range(4):
        assert circuit.open_until is not None
        pauses.append(circuit.open_until - now)
        now = circuit.open_until
        assert circuit.is_passable(now)
        assert circuit.begin()
        assert not circuit.is_passable(now), "a second one must wait for the trial's outcome"
        circuit.fail(now, error=ServerError("no"), is_trial=True)
    assert pauses == [5.0, 10.0, 15.0, 15.0]
    circuit.begin()
    circuit.succeed(is_trial=True)
    assert circuit.is_passable(now)
    assert not circuit.begin()


def test_an_older_call_that_succeeds_late_does_not_close_the_circuit() -> None:
    circuit = Circuit(POLICY)
    for _ in range(3):
        circuit.fail(0.0, error=ServerError("no"), is_trial=False)
    circuit.succeed(is_trial=False)
    assert not circuit.is_passable(1.0)


def test_an_abandoned_trial_lets_the_next_one_pass() -> None:
    circuit = Circuit(POLICY)
    for _ in range(3):
        circuit.fail(0.0, error=ServerError("no"), is_trial=False)
    assert circuit.begin()
    circuit.abandon(is_trial=True)
    assert circuit.is_passable(6.0)


def test_a_host_may_close_its_own_door_but_not_for_ever() -> None:
    circuit = Circuit(POLICY)
    circuit.fail(0.0, error=RateLimitedError("no", retry_after_s=1e9), is_trial=False)
    assert not circuit.is_passable(99.0)
    assert circuit.is_passable(100.0)


# Hosts


def _pool(time: FakeTime, *, hosts: tuple[str, ...] = ("a", "b"), max_in_flight: int = 2) -> HostPool:
    return HostPool("m", hosts=hosts, max_in_flight=max_in_flight, monotonic=lambda: time.now, policy=POLICY)


async def test_the_host_with_the_fewest_in_flight_is_taken_and_ties_take_turns() -> None:
    pool = _pool(FakeTime(), max_in_flight=9)
    first, second = await pool.acquire(), await pool.acquire()
    assert {first.base_url, second.base_url} == {"a", "b"}
    third = await pool.acquire()
    pool.release(third)
    pool.release(second)
    pool.release(first)
    assert pool.in_flight() == {"a": 0, "b": 0}
    order = []
    for _ in range(4):
        lease = await pool.acquire()
        order.append(lease.base_url)
        pool.release(lease)
    assert order[:2] == order[2:]
    assert set(order) == {"a", "b"}


async def test_load_counts_more_than_whose_turn_it_is() -> None:
    pool = _pool(FakeTime(), max_in_flight=9)
    for _ in range(3):
        assert (await pool.acquire(avoid={"b"})).base_url == "a"
    assert [(await pool.acquire()).base_url for _ in range(3)] == ["b", "b", "b"]
    assert pool.in_flight() == {"a": 3, "b": 3}


async def test_a_trial_that_was_cancelled_is_given_to_the_next_caller() -> None:
    time = FakeTime()
    pool = _pool(time, hosts=("a",))
    for _ in range(3):
        pool.release(await pool.acquire(), error=ServerError("no"))
    time.now += 5.0
    trial = await pool.acquire()
    with pytest.raises(CircuitOpenError):
        await pool.acquire()
    pool.release(trial, is_answered=False)
    assert (await pool.acquire()).is_trial


async def test_a_sick_host_is_left_alone_and_gets_one_trial_when_its_pause_is_over() -> None:
    time = FakeTime()
    pool = _pool(time)
    for _ in range(3):
        lease = await pool.acquire(avoid={"b"})
        assert lease.base_url == "a"
        pool.release(lease, error=ModelConnectionError("gone"))
        time.now += 5.1
    time.now -= 5.1
    leases = [await pool.acquire(), await pool.acquire()]
    assert [lease.base_url for lease in leases] == ["b", "b"]
    time.now += 5.0
    trial = await pool.acquire()
    assert (trial.base_url, trial.is_trial) == ("a", True)
    pool.release(trial)
    assert not (await pool.acquire()).is_trial


async def test_a_host_that_just_failed_is_the_second_choice() -> None:
    time = FakeTime()
    pool = _pool(time, max_in_flight=9)
    lease = await pool.acquire()
    pool.release(lease, error=ServerError("no"))
    others = {(await pool.acquire()).base_url for _ in range(3)}
    assert lease.base_url not in others


async def test_an_error_of_the_model_does_not_count_against_the_host() -> None:
    pool = _pool(FakeTime(), hosts=("a",))
    for _ in range(10):
        pool.release(await pool.acquire(), error=EmptyReplyError("nothing"))
    assert not (await pool.acquire()).is_trial


async def test_with_all_hosts_left_alone_nothing_waits() -> None:
    pool = _pool(FakeTime(), hosts=("a",))
    for _ in range(3):
        pool.release(await pool.acquire(), error=ServerError("no"))
    with pytest.raises(CircuitOpenError, match=r"another 5 s: a after 3 failures \(last: server_error\)"):
        await pool.acquire()


async def test_a_full_pool_makes_callers_wait_in_turn() -> None:
    pool = _pool(FakeTime(), hosts=("a",), max_in_flight=1)
    held = await pool.acquire()
    order: list[int] = []

    async def take(number: int) -> None:
        lease = await pool.acquire()
        order.append(number)
        pool.release(lease)

    tasks = [asyncio.create_task(take(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert order == []
    pool.release(held)
    await asyncio.wait_for(asyncio.gather(*tasks), 5)
    assert order == [0, 1, 2]


async def test_a_waiter_that_gave_up_does_not_swallow_the_next_ones_turn() -> None:
    pool = _pool(FakeTime(), hosts=("a",), max_in_flight=1)
    held = await pool.acquire()
    quitter, patient = asyncio.create_task(pool.acquire()), asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    pool.release(held)
    quitter.cancel()
    lease = await asyncio.wait_for(patient, 5)
    assert pool.in_flight() == {"a": 1}
    pool.release(lease)


async def test_waiters_learn_when_the_host_they_wait_for_falls_sick() -> None:
    pool = _pool(FakeTime(), hosts=("a",), max_in_flight=1)
    held = await pool.acquire()
    waiter = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    pool.release(held, error=RateLimitedError("no", retry_after_s=60))
    with pytest.raises(CircuitOpenError):
        await asyncio.wait_for(waiter, 5)


def test_the_fake_clock_moves_only_by_sleeping() -> None:
    time = FakeTime()
    asyncio.run(time.sleep(3))
    assert (time.now, time.slept) == (1_003.0, [3])
    assert time.clock().utc_now() + timedelta(0) == NOW
