"""Which of a model's hosts takes the next call: the healthy one with the fewest in flight, within its limit.

A pool belongs to one model, because vendors limit and fail by model. It is shared by all threads and event loops of
the process: state is guarded by a lock that is never held while waiting; waiters are woken in their own loops.
"""

import asyncio
import itertools
import math
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from omniclaude_dagster.providers.errors import CircuitOpenError, ProviderError
from omniclaude_dagster.providers.resilience import Circuit, CircuitPolicy

type _Waiter = tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]


@dataclass
class _Host:
    base_url: str
    circuit: Circuit
    in_flight: int = 0
    last_taken: int = 0


@dataclass(frozen=True)
class Lease:
    """The right to one request at a host. `is_trial`: the host was sick; ask it cheaply before trusting it."""

    base_url: str
    is_trial: bool
    _host: _Host = field(repr=False)


class HostPool:
    """The hosts of one model. Every lease that `acquire` returns goes back through exactly one `release`."""

    def __init__(
        self,
        model: str,
        *,
        hosts: Sequence[str],
        max_in_flight: int,
        monotonic: Callable[[], float],
        policy: CircuitPolicy | None = None,
    ) -> None:
        self._model = model
        self._max_in_flight = max_in_flight
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._hosts = [_Host(url, Circuit(policy or CircuitPolicy())) for url in hosts]
        self._waiters: list[_Waiter] = []
        self._turn = itertools.count(1)

    async def acquire(self, *, avoid: Collection[str] = ()) -> Lease:
        """Take a host, waiting while all healthy ones are full. Hosts in `avoid` are taken only if no other is left.

        Raises CircuitOpenError when every host is left alone. The caller bounds the wait with its deadline.
        """
        loop = asyncio.get_running_loop()
        while True:
            with self._lock:
                lease = self._take(avoid)
                if lease is not None:
                    return lease
                waiter: _Waiter = (loop, loop.create_future())
                self._waiters.append(waiter)
            try:
                await waiter[1]
            finally:
                with self._lock:
                    if waiter in self._waiters:
                        self._waiters.remove(waiter)

    def release(self, lease: Lease, *, error: ProviderError | None = None, is_answered: bool = True) -> None:
        """Give a host back with what was learned: `error` if it failed, `is_answered=False` if nothing was learned."""
        host = lease._host
        with self._lock:
            host.in_flight -= 1
            if error is not None and error.is_host_at_fault:
                host.circuit.fail(self._monotonic(), error=error, is_trial=lease.is_trial)
            elif is_answered:
                host.circuit.succeed(is_trial=lease.is_trial)
            else:
                host.circuit.abandon(is_trial=lease.is_trial)
            waiters, self._waiters = self._waiters, []
        # All are woken, in order: one that was cancelled meanwhile must not swallow the turn of the next.
        for loop, future in waiters:
            try:
                loop.call_soon_threadsafe(_wake, future)
            except RuntimeError:  # Its loop is closed; nobody waits there any more.
                continue

    def in_flight(self) -> dict[str, int]:
        """Requests in flight by host, for reports."""
        with self._lock:
            return {host.base_url: host.in_flight for host in self._hosts}

    def _take(self, avoid: Collection[str]) -> Lease | None:
        now = self._monotonic()
        passable = [host for host in self._hosts if host.circuit.is_passable(now)]
        if not passable:
            raise self._all_left_alone(now)
        free = [host for host in passable if host.in_flight < self._max_in_flight]
        if not free:
            return None
        host = min(
            free,
            # A half-open host gets its trial as soon as its pause is over: nothing else would ever bring it back.
            key=lambda h: (
                h.base_url in avoid,
                h.circuit.open_until is None and h.circuit.is_suspect(now),
                h.circuit.open_until is None,
                h.in_flight,
                h.last_taken,
            ),
        )
        host.in_flight += 1
        host.last_taken = next(self._turn)
        return Lease(host.base_url, host.circuit.begin(), host)

    def _all_left_alone(self, now: float) -> CircuitOpenError:
        facts = "; ".join(
            f"{h.base_url} after {h.circuit.failures} failures (last: {h.circuit.last_failure})" for h in self._hosts
        )
        ends = [h.circuit.open_until or now for h in self._hosts]
        wait_s = max(0.0, min(ends, default=math.inf) - now)
        return CircuitOpenError(
            f"model {self._model!r} is left alone for another {wait_s:.0f} s: {facts}.",
            cure="wait, use another model, or see to the host",
            retry_after_s=wait_s,
        )


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
