"""When to ask again, when to wait, and when to leave a host alone. Time is injected; nothing here opens a socket.

Retries are bounded and jittered, and happen only for errors whose `is_retried` is set. A host that asks for a longer
pause than we are ready to wait ends the call at once, saying so. Which host takes a call is decided in `pool.py`.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from omniclaude_dagster.providers.errors import ProviderError


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Clock:
    """Time as this package sees it: monotonic seconds for durations, UTC for dates, and a way to wait."""

    monotonic: Callable[[], float] = time.monotonic
    utc_now: Callable[[], datetime] = _utc_now
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True)
class RetryPolicy:
    """Bounds of asking again. Waits are random between 0 and `first_wait_s` doubled each time ("full jitter")."""

    max_attempts: int = 3
    first_wait_s: float = 0.5
    longest_wait_s: float = 8.0
    longest_retry_after_s: float = 20.0

    def retrying(self, *, clock: Clock, deadline: float) -> AsyncRetrying:
        """Return the loop around one call. `deadline` is a moment of `clock.monotonic`, never waited past."""
        jittered = wait_random_exponential(multiplier=self.first_wait_s, max=self.longest_wait_s)

        def wait(state: RetryCallState) -> float:
            # Jitter on top of what the host asked for, so that all who were turned away do not return together.
            return _asked_pause_s(state) + jittered(state)

        def is_wait_too_long(state: RetryCallState) -> bool:
            is_past_deadline = clock.monotonic() + state.upcoming_sleep >= deadline
            return is_past_deadline or _asked_pause_s(state) > self.longest_retry_after_s

        return AsyncRetrying(
            sleep=clock.sleep,
            retry=retry_if_exception(lambda error: isinstance(error, ProviderError) and error.is_retried),
            wait=wait,
            stop=lambda state: stop_after_attempt(self.max_attempts)(state) or is_wait_too_long(state),
            reraise=True,
        )

    def explain(self, retry_after_s: float | None) -> str:
        """Say why a long pause ends the call, or nothing."""
        if retry_after_s is None or retry_after_s <= self.longest_retry_after_s:
            return ""
        return f" It asks to wait {retry_after_s:.0f} s; we wait {self.longest_retry_after_s:.0f} s at most."


def _asked_pause_s(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    return (error.retry_after_s or 0.0) if isinstance(error, ProviderError) else 0.0


def parsed_retry_after_s(value: str | None, *, now: datetime) -> float | None:
    """Read a Retry-After header (seconds or an HTTP date). None when absent or nonsense; never negative."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, TypeError, OverflowError):
            return None
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - now).total_seconds())
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


@dataclass(frozen=True)
class CircuitPolicy:
    """When a host is left alone: after `failures_to_open` failures in a row, for a pause that doubles."""

    failures_to_open: int = 3
    first_pause_s: float = 5.0
    longest_pause_s: float = 120.0
    # A host may close its own door with Retry-After, but not for ever.
    longest_asked_pause_s: float = 3600.0


@dataclass
class Circuit:
    """Memory of one host's failures. Not locked: its owner (`pool.py`) is.

    closed: calls pass. open: none pass until `open_until`. half open: the pause is over and exactly one trial passes;
    its success closes the circuit, its failure opens it for twice as long.
    """

    policy: CircuitPolicy = field(default_factory=CircuitPolicy)
    failures: int = 0
    open_until: float | None = None
    pause_s: float = 0.0
    last_failure_at: float = -math.inf
    last_failure: str = ""
    is_on_trial: bool = False

    def is_passable(self, now: float) -> bool:
        """Whether a call may pass, be it as the trial."""
        return self.open_until is None or (now >= self.open_until and not self.is_on_trial)

    def is_suspect(self, now: float) -> bool:
        """Whether it failed a moment ago: other hosts are then preferred, though the circuit is not open yet."""
        return self.failures > 0 and now - self.last_failure_at < self.policy.first_pause_s

    def begin(self) -> bool:
        """Let one call pass. True when it is the trial of a half-open circuit."""
        self.is_on_trial = self.open_until is not None
        return self.is_on_trial

    def succeed(self, *, is_trial: bool) -> None:
        """The host answered. A late success of an older call does not close an open circuit."""
        if is_trial or self.open_until is None:
            self.failures, self.open_until, self.pause_s, self.is_on_trial = 0, None, 0.0, False

    def fail(self, now: float, *, error: ProviderError, is_trial: bool) -> None:
        """The host failed. Opens when it was the trial, too many in a row, or the host asked for a long pause."""
        self.failures += 1
        self.last_failure_at, self.last_failure = now, error.kind
        asked_s = min(error.retry_after_s or 0.0, self.policy.longest_asked_pause_s)
        is_door_closed = asked_s > self.policy.first_pause_s
        if is_trial:
            self.is_on_trial = False
        if is_trial or is_door_closed or (self.open_until is None and self.failures >= self.policy.failures_to_open):
            self.pause_s = min(max(2 * self.pause_s, self.policy.first_pause_s), self.policy.longest_pause_s)
            self.open_until = max(now + max(self.pause_s, asked_s), self.open_until or 0.0)

    def abandon(self, *, is_trial: bool) -> None:
        """The call ended without telling anything about the host, for example because it was cancelled."""
        if is_trial:
            self.is_on_trial = False
