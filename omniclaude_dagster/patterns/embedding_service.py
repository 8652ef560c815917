"""Embeds with any host that speaks OpenAI's `/v1/embeddings`, for example a vLLM.

Sockets and their limits are those of `providers/exchange.py`. Nothing is priced: a host for embeddings is one's own.
"""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from omniclaude_dagster.errors import ConfigurationError, EmbeddingUnavailableError
from omniclaude_dagster.patterns.model import Vectors
from omniclaude_dagster.providers.endpoint import within
from omniclaude_dagster.providers.errors import MalformedReplyError, ProviderError, RejectedRequestError, ServerError
from omniclaude_dagster.providers.exchange import Clients, RawReply, send
from omniclaude_dagster.providers.hosts import checked_base_url
from omniclaude_dagster.providers.redaction import Redactor
from omniclaude_dagster.providers.resilience import Clock, RetryPolicy
from omniclaude_dagster.providers.wire import json_object

DEADLINE_S = 10.0
# A vector of 4,096 numbers has about 80 kB as JSON.
_MAX_REPLY_BYTES = 16 * 1024 * 1024
_TEXTS_AT_ONCE = 64
# Many models take 512 tokens and refuse more.
_MAX_CHARS = 1_500
_MAX_DIMENSION = 16_384
_MAX_REASON_CHARS = 300
_TEST_TEXT = "dimension"
_CURE = "check OMNICLAUDE_EMBEDDINGS_BASE_URL, OMNICLAUDE_EMBEDDINGS_MODEL and the host's log"


class ServiceEmbedder:
    """Implements Embedder. Safe for threads; holds no connection between calls.

    The name that vectors are kept under ends in their length, so that a host that changes its model unsaid is noticed.
    `deadline_s` bounds each request, whatever the host does meanwhile.
    """

    def __init__(
        self,
        *,
        base_url: str,
        model: str,
        api_key: str | None = None,
        deadline_s: float = DEADLINE_S,
        retry: RetryPolicy | None = None,
    ) -> None:
        try:
            self._base_url = checked_base_url(base_url)
        except ValueError as exc:
            raise ConfigurationError(f"OMNICLAUDE_EMBEDDINGS_BASE_URL: {exc}.", cure="correct the address") from None
        key = api_key.strip() if api_key else ""
        if not (key.isascii() and key.isprintable() and " " not in key):
            raise ConfigurationError(
                "OMNICLAUDE_EMBEDDINGS_API_KEY holds characters that a key cannot have.", cure="set it again"
            )
        self._key = key
        self._model = model
        self._deadline_s = deadline_s
        self._retry = retry or RetryPolicy()
        self._dimension = 0

    def __repr__(self) -> str:
        return f"ServiceEmbedder({self._model!r} at {self._base_url})"

    @property
    def model_name(self) -> str:
        """Name of the model and length of its vectors. Asks the host once; raises EmbeddingUnavailableError."""
        return f"{self._model}/{self.dimension}"

    @property
    def dimension(self) -> int:
        """Length of a vector. Asks the host once; raises EmbeddingUnavailableError."""
        if not self._dimension:
            self.embed([_TEST_TEXT])
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit row a text; zeros stay zeros. Raises EmbeddingUnavailableError."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        rows = _in_a_loop(lambda: self._ask_all([_sendable(text) for text in texts]))
        if self._dimension and rows.shape[1] != self._dimension:
            raise EmbeddingUnavailableError(
                f"the host answered with vectors of {rows.shape[1]} numbers; earlier ones had {self._dimension}.",
                cure="restart this program, then run: omniclaude patterns reembed",
            )
        self._dimension = rows.shape[1]
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0).astype(np.float32)

    async def _ask_all(self, texts: list[str]) -> Vectors:
        clients = Clients()
        try:
            batches = [texts[first : first + _TEXTS_AT_ONCE] for first in range(0, len(texts), _TEXTS_AT_ONCE)]
            answers = [await self._ask(batch, clients=clients) for batch in batches]
        except ProviderError as exc:
            reason = self._redactor().clean(exc.message)
            raise EmbeddingUnavailableError(f"the embedding model does not answer: {reason}", cure=_CURE) from None
        finally:
            await clients.close()
        if len({answer.shape[1] for answer in answers}) != 1:
            raise EmbeddingUnavailableError("the embedding model's vectors differ in length.", cure=_CURE)
        return np.concatenate(answers)

    async def _ask(self, texts: list[str], *, clients: Clients) -> Vectors:
        deadline = time.monotonic() + self._deadline_s
        async for attempt in self._retry.retrying(clock=Clock(), deadline=deadline):
            with attempt:
                async with within(deadline - time.monotonic()):
                    return _vectors(await self._post(texts, clients=clients), count=len(texts))
        raise AssertionError("retrying ends with a result or an error")

    async def _post(self, texts: list[str], *, clients: Clients) -> RawReply:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self._key}"} if self._key else {})
        body = {"model": self._model, "input": texts, "encoding_format": "float"}
        raw = await send(
            await clients.client_for(self._base_url),
            method="POST",
            url=f"{self._base_url}/embeddings",
            headers=headers,
            content=json.dumps(body).encode(),
            max_bytes=_MAX_REPLY_BYTES,
        )
        if 200 <= raw.status < 300:
            return raw
        words = self._redactor().clean(raw.body.decode("utf-8", "replace"), max_chars=_MAX_REASON_CHARS)
        failure = ServerError if raw.status >= 500 or raw.status in {408, 429} else RejectedRequestError
        raise failure(f"the host answered {raw.status}: {words or 'no reason given.'}")

    def _redactor(self) -> Redactor:
        return Redactor([self._key] if self._key else [])


def _sendable(text: str) -> str:
    """The start of a text, without half characters; hosts refuse an empty one."""
    return text[:_MAX_CHARS].encode("utf-8", "replace").decode("utf-8").strip() or "-"


def _vectors(raw: RawReply, *, count: int) -> Vectors:
    """The vectors of an answer in the order of the texts. Raises MalformedReplyError."""
    data = json_object(raw.body).get("data")
    if not isinstance(data, list) or len(data) != count:
        found = len(data) if isinstance(data, list) else "no"
        raise MalformedReplyError(f"the answer holds {found} vectors for {count} texts.")
    by_index = {entry.get("index"): entry.get("embedding") for entry in data if isinstance(entry, dict)}
    if set(by_index) != set(range(count)):
        raise MalformedReplyError("the answer does not number its vectors as the texts are.")
    return _matrix([by_index[index] for index in range(count)])


def _matrix(rows: list[Any]) -> Vectors:
    lengths = {len(row) if isinstance(row, list) else 0 for row in rows}
    if len(lengths) != 1 or not 0 < max(lengths) <= _MAX_DIMENSION:
        raise MalformedReplyError("the answer's vectors are no lists of numbers of one length.")
    if any(type(value) not in {float, int} for row in rows for value in row):
        raise MalformedReplyError("the answer's vectors hold something that is no number.")
    try:
        matrix = np.array(rows, dtype=np.float64)
    except OverflowError:
        raise MalformedReplyError("the answer's vectors hold something that is no number.") from None
    if not np.isfinite(matrix).all() or np.abs(matrix).max() > np.finfo(np.float32).max:
        raise MalformedReplyError("the answer's vectors hold something that is no finite number.")
    return matrix.astype(np.float32)


def _in_a_loop(work: Callable[[], Coroutine[Any, Any, Vectors]]) -> Vectors:
    """Run a coroutine from plain code; beside a running loop in a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(lambda: asyncio.run(work())).result()
