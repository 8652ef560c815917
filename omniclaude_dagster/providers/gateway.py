"""The one door to every model: `HttpModelGateway`. Puts catalog, formats, hosts and retries together.

Safe to call from several threads and event loops: connections belong to the loop that opened them and are closed
with it (`exchange.Clients`), limits and health of hosts are shared. Every call, good or failed, leaves a ModelCall.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from tenacity import AsyncRetrying

from omniclaude_dagster.providers.catalog import Catalog, ModelEntry, load_catalog
from omniclaude_dagster.providers.directory import DEFAULT_MODEL, Directory
from omniclaude_dagster.providers.endpoint import Endpoints, finished_text, within
from omniclaude_dagster.providers.errors import (
    AuthError,
    BadReplyError,
    PriceUnknownError,
    ProviderError,
    RejectedRequestError,
)
from omniclaude_dagster.providers.exchange import DEFAULT_MAX_REPLY_BYTES, Clients, Progress
from omniclaude_dagster.providers.model import ChatReply, ChatRequest, ModelStatus
from omniclaude_dagster.providers.pool import HostPool, Lease
from omniclaude_dagster.providers.pricing import blended_usd_per_million, price_on
from omniclaude_dagster.providers.resilience import CircuitPolicy, Clock, RetryPolicy
from omniclaude_dagster.providers.talk import Talk
from omniclaude_dagster.providers.wire import parsed_data
from omniclaude_dagster.settings import Settings, project_data_path, secret

_STATUS_QUESTIONS_AT_ONCE = 16
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GatewayPolicy:
    """How patient the gateway is."""

    retry: RetryPolicy = field(default_factory=RetryPolicy)
    circuit: CircuitPolicy = field(default_factory=CircuitPolicy)
    max_reply_bytes: int = DEFAULT_MAX_REPLY_BYTES
    probe_timeout_s: float = 2.0


@dataclass(frozen=True)
class _Answer:
    text: str
    data: Any


class HttpModelGateway:
    """A ModelGateway over HTTP. Building one opens nothing. `read_secret` turns a variable's name into its value."""

    def __init__(
        self,
        catalog: Catalog,
        *,
        model_base_url: str | None = None,
        model_name: str | None = None,
        model_api_key: str | None = None,
        read_secret: Callable[[str], str | None] = secret,
        policy: GatewayPolicy | None = None,
        clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._catalog = catalog
        self._policy = policy or GatewayPolicy()
        self._clock = clock or Clock()
        self._directory = Directory(catalog, base_url=model_base_url, model_name=model_name)
        self._clients = Clients(transport=transport)
        self._endpoints = Endpoints(
            self._clients,
            catalog=catalog,
            secret=read_secret,
            max_reply_bytes=self._policy.max_reply_bytes,
            retry=self._policy.retry,
            clock=self._clock,
            own_host=self._directory.base_url,
            own_key=model_api_key,
        )
        self._pools: dict[tuple[str, tuple[str, ...]], HostPool] = {}
        self._pools_lock = threading.Lock()

    def candidates(self, stage: str) -> tuple[str, ...]:
        """Usable models for a stage, cheapest first, the one at OMNICLAUDE_MODEL_BASE_URL before all others.

        Usable: a host, a price in force and, where one is needed, a key. While that host has not been asked what it
        serves its model is called "default"; `chat` takes this name, and records carry the real one.
        """
        names = [e.name for e in self._by_price() if self._unusable_reason(e) is None and e.is_allowed_for(stage)]
        first, entry = self._directory.default_name, self._directory.default_entry()
        if first is None:
            return tuple(names)
        others = tuple(name for name in names if name != first)
        is_first_usable = entry is None or (self._unusable_reason(entry) is None and entry.is_allowed_for(stage))
        return (first, *others) if is_first_usable else others

    async def chat(self, request: ChatRequest, *, model: str) -> ChatReply:
        """Ask one model, within `request.deadline_s` in all. Raises ProviderError, with the record as `.call`."""
        talk = Talk(request, model=model, clock=self._clock)
        try:
            entry = await self._entry_for(model, talk=talk)
            talk.begin(entry)
            talk.price = price_on(entry, self._clock.utc_now().date())
            answer: _Answer = await self._retrying(talk)(self._attempt, talk, entry)
        except ProviderError as error:
            self._complete(error, talk=talk)
            raise error from None
        kept = self._endpoints.redactor().without_secrets(answer.text)
        return ChatReply(text=answer.text, call=talk.record(reply_text=kept), data=answer.data)

    async def status(self) -> tuple[ModelStatus, ...]:
        """Every configured model, really asked, 2 s each at most. Never raises for a model that does not answer."""
        limit = asyncio.Semaphore(_STATUS_QUESTIONS_AT_ONCE)

        async def asked(entry: ModelEntry) -> ModelStatus:
            async with limit:
                return self._status_of(entry, problem=await self._problem_of(entry))

        own = await self._own_status()
        others = [e for e in self._by_price() if own is None or e.name != own.name]
        statuses = await asyncio.gather(*(asked(entry) for entry in others))
        return tuple(statuses) if own is None else (own, *statuses)

    async def close(self) -> None:
        """Close the connections of the running event loop; those of other loops end with them."""
        await self._clients.close()

    def _retrying(self, talk: Talk) -> AsyncRetrying:
        return self._policy.retry.retrying(clock=self._clock, deadline=talk.deadline)

    async def _entry_for(self, model: str, *, talk: Talk) -> ModelEntry:
        async with within(talk.left_s):
            return await self._retrying(talk)(self._directory.entry_for, model, served_ids=self._own_host_serves)

    async def _attempt(self, talk: Talk, entry: ModelEntry) -> _Answer:
        pool = self._pool_of(entry)
        lease = await self._healthy_lease(pool, talk=talk, entry=entry)
        error: ProviderError | None = None
        is_answered = False
        try:
            answer = await self._ask(talk, entry=entry, base_url=lease.base_url)
            is_answered = True
        except ProviderError as exc:
            error, is_answered = exc, True
            talk.failed_hosts.add(lease.base_url)
            raise
        finally:
            pool.release(lease, error=error, is_answered=is_answered)
        return answer

    async def _ask(self, talk: Talk, *, entry: ModelEntry, base_url: str) -> _Answer:
        talk.host = base_url
        talk.attempts += 1
        progress = Progress()
        try:
            reply = await self._endpoints.chat(
                talk.request, entry=entry, base_url=base_url, timeout_s=talk.left_s, progress=progress
            )
        except ProviderError as error:
            talk.add_lost_reply(error, progress=progress)
            raise
        talk.add_reply(reply, entry=entry)
        text = finished_text(reply)
        schema = talk.request.json_schema
        return _Answer(text, None if schema is None else parsed_data(text, schema=schema))

    async def _healthy_lease(self, pool: HostPool, *, talk: Talk, entry: ModelEntry) -> Lease:
        """Take a host; one that was sick is first asked cheaply, so that no request is lost on it."""
        while True:
            async with within(talk.left_s):
                lease = await pool.acquire(avoid=talk.failed_hosts)
            if not lease.is_trial:
                return lease
            sickness: ProviderError | None = None
            is_kept = False
            try:
                sickness = await self._sickness(entry, base_url=lease.base_url, left_s=talk.left_s)
                if sickness is None:
                    is_kept = True
                    return lease
            finally:
                if not is_kept:
                    pool.release(lease, error=sickness, is_answered=False)

    async def _sickness(self, entry: ModelEntry, *, base_url: str, left_s: float) -> ProviderError | None:
        timeout_s = min(self._policy.probe_timeout_s, left_s)
        try:
            await self._endpoints.model_ids(entry, base_url=base_url, timeout_s=timeout_s)
        except ProviderError as error:
            # A host that says 401 or 404 to this question is up; only what speaks against the host counts.
            return error if error.is_host_at_fault else None
        return None

    async def _own_host_serves(self) -> tuple[str, ...]:
        base_url = self._directory.base_url or ""
        entry = self._directory.bound(DEFAULT_MODEL)
        try:
            return await self._endpoints.model_ids(entry, base_url=base_url, timeout_s=self._policy.probe_timeout_s)
        except ProviderError as error:
            error.message = f"asked what it serves, {base_url}: {error.message}"
            raise

    def _complete(self, error: ProviderError, *, talk: Talk) -> None:
        """Give the error its place, its record and a last cleaning."""
        if isinstance(error, RejectedRequestError):
            self._directory.forget_served()
        where = f"model {talk.model!r} at {talk.host}, attempt {talk.attempts}: " if talk.host else ""
        redactor = self._endpoints.redactor()
        error.message = redactor.clean(where + error.message, max_chars=800)
        error.cure = redactor.clean(error.cure, max_chars=800)
        error.args = (error.message,)
        said = error.text if isinstance(error, BadReplyError) else None
        error.call = talk.record(error, reply_text=None if said is None else redactor.without_secrets(said))
        # The record tells the caller; only a refused key needs a person whatever the caller does about it.
        level = logging.ERROR if isinstance(error, AuthError) else logging.INFO
        _log.log(level, "model call failed (%s): %s", error.kind, error)

    def _pool_of(self, entry: ModelEntry) -> HostPool:
        with self._pools_lock:
            key = (entry.name, entry.hosts)
            if key not in self._pools:
                self._pools[key] = HostPool(
                    entry.name,
                    hosts=entry.hosts,
                    max_in_flight=entry.max_concurrency_per_host,
                    monotonic=self._clock.monotonic,
                    policy=self._policy.circuit,
                )
            return self._pools[key]

    def _by_price(self) -> list[ModelEntry]:
        today = self._clock.utc_now().date()

        def rank(entry: ModelEntry) -> tuple[bool, Any, str]:
            try:
                return (False, blended_usd_per_million(price_on(entry, today)), entry.name)
            except PriceUnknownError:
                return (True, 0, entry.name)

        return sorted(self._catalog.entries.values(), key=rank)

    def _unusable_reason(self, entry: ModelEntry) -> str | None:
        """Why the configuration rules the model out, or None. Asks nobody."""
        if not entry.hosts:
            return f"no host configured: add hosts to {entry.source_file or 'its entry'}"
        if not self._endpoints.has_key(entry):
            return f"no key: set {entry.api_key_env}"
        try:
            price_on(entry, self._clock.utc_now().date())
        except PriceUnknownError as error:
            return str(error)
        return None

    async def _own_status(self) -> ModelStatus | None:
        if self._directory.base_url is None:
            return None
        self._directory.forget_served()
        try:
            entry = await self._directory.entry_for(DEFAULT_MODEL, served_ids=self._own_host_serves)
        except ProviderError as error:
            return self._status_of(self._directory.bound(DEFAULT_MODEL), problem=self._cleaned(error))
        return self._status_of(entry, problem=await self._problem_of(entry))

    async def _problem_of(self, entry: ModelEntry) -> str:
        """Say why the model cannot be used now; empty when one of its hosts answers and serves it."""
        reason = self._unusable_reason(entry)
        if reason is not None:
            return reason
        problems = await asyncio.gather(*(self._problem_at(entry, base_url) for base_url in entry.hosts))
        return "" if "" in problems else "; ".join(problems)

    async def _problem_at(self, entry: ModelEntry, base_url: str) -> str:
        try:
            ids = await self._endpoints.model_ids(entry, base_url=base_url, timeout_s=self._policy.probe_timeout_s)
        except ProviderError as error:
            return f"{base_url}: {self._cleaned(error)}"
        # Vendors do not list every model (aliases, tuned ones); our own hosts do.
        if entry.is_local and entry.remote_model not in ids:
            return f"{base_url} does not serve {entry.remote_model}, but {', '.join(ids[:5]) or 'nothing'}"
        return ""

    def _cleaned(self, error: ProviderError) -> str:
        return self._endpoints.redactor().clean(str(error))

    def _status_of(self, entry: ModelEntry, *, problem: str) -> ModelStatus:
        try:
            price = price_on(entry, self._clock.utc_now().date())
        except PriceUnknownError:
            price = None
        return ModelStatus(
            name=entry.name,
            provider=entry.provider,
            is_local=entry.is_local,
            hosts=entry.hosts,
            is_reachable=not problem,
            reason=problem or "ready",
            input_usd_per_million_tokens=float(price.input_usd_per_million_tokens) if price else None,
            output_usd_per_million_tokens=float(price.output_usd_per_million_tokens) if price else None,
            price_effective_date=price.effective_date.isoformat() if price else None,
        )


def build_gateway(settings: Settings) -> HttpModelGateway:
    """Build the gateway from the settings. Raises ConfigurationError for a wrong catalog entry or address."""
    catalog = load_catalog(settings.model_configs or project_data_path() / "model_configs")
    key = settings.model_api_key
    return HttpModelGateway(
        catalog,
        model_base_url=settings.model_base_url,
        model_name=settings.model_name,
        model_api_key=key.get_secret_value() if key else None,
    )
