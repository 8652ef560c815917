"""One question to one host: with its key, within its time, its answer sorted into a reply or a typed error.

Not here: which host (`pool.py`), asking again (`resilience.py`), records (`gateway.py`).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from omniclaude_dagster.providers.anthropic import AnthropicFormat
from omniclaude_dagster.providers.catalog import Catalog, ModelEntry, Provider
from omniclaude_dagster.providers.errors import (
    AuthError,
    EmptyReplyError,
    HtmlReplyError,
    MalformedReplyError,
    ModelTimeoutError,
    RateLimitedError,
    RefusedReplyError,
    RejectedRequestError,
    ServerError,
    TruncatedReplyError,
)
from omniclaude_dagster.providers.exchange import Clients, Progress, RawReply, send
from omniclaude_dagster.providers.gemini import GeminiFormat
from omniclaude_dagster.providers.model import ChatRequest
from omniclaude_dagster.providers.openai_compatible import OpenAICompatibleFormat
from omniclaude_dagster.providers.redaction import Redactor
from omniclaude_dagster.providers.resilience import Clock, RetryPolicy, parsed_retry_after_s
from omniclaude_dagster.providers.wire import WireFormat, WireReply, json_object

_FORMATS: Mapping[Provider, WireFormat] = {
    "openai_compatible": OpenAICompatibleFormat(),
    "gemini": GeminiFormat(),
    "anthropic": AnthropicFormat(),
}
_MAX_REASON_CHARS = 300


class Endpoints:
    """Asks hosts. Keys are looked up for each question, so that a rotated key is used at once."""

    def __init__(
        self,
        clients: Clients,
        *,
        catalog: Catalog,
        secret: Callable[[str], str | None],
        max_reply_bytes: int,
        retry: RetryPolicy,
        clock: Clock,
        own_host: str | None = None,
        own_key: str | None = None,
    ) -> None:
        self._clients = clients
        self._secret = secret
        self._max_reply_bytes = max_reply_bytes
        self._retry = retry
        self._clock = clock
        self._own_host = own_host
        self._own_key = own_key
        self._key_names = sorted({e.api_key_env for e in catalog.entries.values() if e.api_key_env})

    def has_key(self, entry: ModelEntry) -> bool:
        """Whether the model needs no key or its key is set."""
        return entry.api_key_env is None or bool(self._secret(entry.api_key_env))

    def redactor(self) -> Redactor:
        """A redactor that knows every key in use."""
        keys = [self._own_key, *(self._secret(name) for name in self._key_names)]
        return Redactor(key.strip() for key in keys if key)

    async def chat(
        self, request: ChatRequest, *, entry: ModelEntry, base_url: str, timeout_s: float, progress: Progress
    ) -> WireReply:
        """Ask for a chat reply and return it as the host gave it, finished or not. Raises ProviderError."""
        wire = _FORMATS[entry.provider]
        headers = {"Content-Type": "application/json", **wire.headers(self._key(entry, base_url=base_url))}
        content = json.dumps(wire.chat_body(request, entry=entry)).encode()
        async with within(timeout_s):
            raw = await send(
                await self._clients.client_for(base_url),
                method="POST",
                url=base_url + wire.chat_path(entry),
                headers=headers,
                content=content,
                max_bytes=self._max_reply_bytes,
                progress=progress,
            )
        self._raise_for_status(raw)
        if not raw.body.strip():
            raise EmptyReplyError("the host answered with an empty body.", cure="ask again or use another model")
        return wire.read(json_object(raw.body), request=request)

    async def model_ids(self, entry: ModelEntry, *, base_url: str, timeout_s: float) -> tuple[str, ...]:
        """Ask which models the host serves: the cheapest proof that it answers. Raises ProviderError."""
        wire = _FORMATS[entry.provider]
        headers = wire.headers(self._key(entry, base_url=base_url))
        async with within(timeout_s):
            raw = await send(
                await self._clients.client_for(base_url),
                method="GET",
                url=base_url + wire.models_path(),
                headers=headers,
                max_bytes=self._max_reply_bytes,
            )
        self._raise_for_status(raw)
        return wire.model_ids(json_object(raw.body))

    def _key(self, entry: ModelEntry, *, base_url: str) -> str | None:
        if entry.api_key_env is None:
            key, where = (self._own_key if base_url == self._own_host else None), "OMNICLAUDE_MODEL_API_KEY"
        else:
            key, where = self._secret(entry.api_key_env), entry.api_key_env
            if not key:
                raise AuthError(f"model {entry.name!r} needs a key and {where} is not set.", cure=f"set {where}")
        key = key.strip() if key else None
        if key and not (key.isascii() and key.isprintable() and " " not in key):
            raise AuthError(f"{where} holds characters that a key cannot have.", cure=f"set {where} again")
        return key

    def _raise_for_status(self, raw: RawReply) -> None:
        if 200 <= raw.status < 300:
            return
        reason = f"the host answered {raw.status}: {self._reason(raw)}"
        if raw.status in {401, 403} or _is_key_refused(raw):
            raise AuthError(reason, cure="check the key and what it may be used for")
        if raw.status == 429:
            retry_after_s = parsed_retry_after_s(raw.headers.get("retry-after"), now=self._clock.utc_now())
            raise RateLimitedError(
                reason + self._retry.explain(retry_after_s),
                cure="wait, lower max_concurrency_per_host, or use another model",
                retry_after_s=retry_after_s,
            )
        if raw.status >= 500 or raw.status == 408:
            retry_after_s = parsed_retry_after_s(raw.headers.get("retry-after"), now=self._clock.utc_now())
            raise ServerError(
                reason + self._retry.explain(retry_after_s), cure="see the host's log", retry_after_s=retry_after_s
            )
        cure = "shorten the prompt, or check model and address"
        raise RejectedRequestError(reason, cure="give the final address" if raw.status < 400 else cure)

    def _reason(self, raw: RawReply) -> str:
        try:
            body = json_object(raw.body)
        except HtmlReplyError:
            return "a web page."
        except MalformedReplyError:
            text = raw.body.decode("utf-8", "replace")
        else:
            error = body.get("error", body)
            message = error.get("message", error) if isinstance(error, dict) else error
            text = message if isinstance(message, str) else json.dumps(message)
        return self.redactor().clean(text, max_chars=_MAX_REASON_CHARS) or "no reason given."


def finished_text(reply: WireReply) -> str:
    """Return the text of a complete reply.

    Raises TruncatedReplyError, RefusedReplyError, EmptyReplyError: half an answer is never passed on.
    """
    if reply.finish == "refused":
        raise RefusedReplyError(f"the model declined ({reply.finish_detail}).", cure="use another model or other words")
    if reply.finish == "length":
        raise TruncatedReplyError(
            f"the answer stopped at the token limit ({reply.finish_detail}).",
            cure="raise max_tokens or ask for less",
            text=reply.text,
        )
    if reply.finish != "stop":
        raise TruncatedReplyError(
            f"the answer does not say that it is complete (finish reason {reply.finish_detail}).",
            cure="ask again or use another model",
            text=reply.text,
        )
    if not reply.text.strip():
        raise EmptyReplyError("the answer holds no text.", cure="ask again or use another model")
    return reply.text


@asynccontextmanager
async def within(timeout_s: float) -> AsyncIterator[None]:
    """Bound everything inside, however it spends its time. Raises ModelTimeoutError."""
    try:
        async with asyncio.timeout(max(0.0, timeout_s)):
            yield
    except TimeoutError:
        raise ModelTimeoutError(
            f"no complete answer within {timeout_s:.1f} s.", cure="allow more time, ask for less, or see to the host"
        ) from None


def _is_key_refused(raw: RawReply) -> bool:
    """Gemini says 400 where others say 401."""
    return raw.status == 400 and b"API_KEY_INVALID" in raw.body
