# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Business logic of NodeProductIndexEffect: documents of an Elasticsearch or OpenSearch index.

Every document has an id before it is sent, so that each operation may be repeated: it gives the same index.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote
from uuid import uuid4

import httpx
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from pydantic import JsonValue

from .enums import EnumProductIndexOperation
from .models import ModelProductIndexConfig, ModelProductIndexInput, ModelProductIndexOutput

OpenClient = Callable[[ModelProductIndexConfig], httpx.AsyncClient]
type Document = dict[str, JsonValue]

_BUSY = frozenset({429, 502, 503, 504})
_STATUS_CODES = {
    401: EnumCoreErrorCode.AUTHENTICATION_ERROR,
    403: EnumCoreErrorCode.AUTHENTICATION_ERROR,
    404: EnumCoreErrorCode.NOT_FOUND,
    409: EnumCoreErrorCode.INVALID_STATE,
    429: EnumCoreErrorCode.RATE_LIMIT_ERROR,
    502: EnumCoreErrorCode.SERVICE_UNAVAILABLE,
    503: EnumCoreErrorCode.SERVICE_UNAVAILABLE,
    504: EnumCoreErrorCode.SERVICE_UNAVAILABLE,
}


def open_client(config: ModelProductIndexConfig) -> httpx.AsyncClient:
    """A client of the configured server; its certificate is verified."""
    headers = {"Accept": "application/json"}
    auth = None
    if config.api_key is not None:
        headers["Authorization"] = f"ApiKey {config.api_key.get_secret_value()}"
    elif config.username and config.password is not None:
        auth = httpx.BasicAuth(config.username, config.password.get_secret_value())
    try:
        verify = ssl.create_default_context(cafile=config.ca_file)
    except OSError as exc:
        raise _failed("ELASTICSEARCH_CA_FILE cannot be read", EnumCoreErrorCode.CONFIGURATION_ERROR) from exc
    return httpx.AsyncClient(
        base_url=config.url, headers=headers, auth=auth, timeout=config.timeout_s, verify=verify, follow_redirects=False
    )


class Index:
    """One index on the server; `attempts` counts the requests that were sent for it."""

    def __init__(self, client: httpx.AsyncClient, name: str, config: ModelProductIndexConfig) -> None:
        self._client = client
        self._name = name
        self._config = config
        self.attempts = 0

    async def call(self, method: str, path: str, *, body: str | None = None, may_be_missing: bool = False) -> Document:
        """The decoded answer; a refusal becomes ModelOnexError with the server's own reason."""
        request = self._client.build_request(
            method, f"/{self._name}/{path}", content=body, headers={"Content-Type": "application/json"}
        )
        answer, attempts = await _send(self._client, request, self._config, is_repeatable=True)
        self.attempts += attempts
        document = _decoded(answer)
        if answer.status >= 400 and not (answer.status == 404 and may_be_missing and "error" not in document):
            raise _refused(answer, document)
        return document


async def perform(
    request: ModelProductIndexInput, config: ModelProductIndexConfig, *, open_client: OpenClient = open_client
) -> ModelProductIndexOutput:
    """Carry out one operation; raises ModelOnexError when it cannot be done in time."""
    try:
        async with asyncio.timeout(config.deadline_s), open_client(config) as client:
            index = Index(client, request.index, config)
            result = await _OPERATIONS[request.operation](request, index)
    except TimeoutError as exc:
        raise _failed(
            f"{request.operation.value} was not done within {config.deadline_s} s", EnumCoreErrorCode.TIMEOUT_ERROR
        ) from exc
    return result.model_copy(update={"attempts": max(index.attempts, 1)})


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, read completely."""

    status: int
    headers: httpx.Headers
    content: bytes


async def _send(
    client: httpx.AsyncClient, request: httpx.Request, config: ModelProductIndexConfig, *, is_repeatable: bool
) -> tuple[Answer, int]:
    """The answer, and the requests it took. What was not sent may always be sent again, the rest if repeatable."""
    attempt = 1
    while True:
        pause_s = config.retry_pause_s * 2 ** (attempt - 1)
        is_last = attempt == config.max_attempts
        try:
            answer = await _exchange(client, request, config)
        except httpx.RequestError as exc:
            was_sent = not isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout)
            if is_last or (was_sent and not is_repeatable):
                raise _unreachable(exc, attempt) from exc
        else:
            asked_s = _retry_after_s(answer)
            is_busy = answer.status in _BUSY and asked_s <= config.max_pause_s
            if is_last or not is_repeatable or not is_busy:
                return answer, attempt
            pause_s = max(pause_s, asked_s)
        await asyncio.sleep(pause_s)
        attempt += 1


async def _exchange(client: httpx.AsyncClient, request: httpx.Request, config: ModelProductIndexConfig) -> Answer:
    """Send once and read the answer, up to the limit."""
    response = await client.send(request, stream=True)
    try:
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > config.max_response_bytes:
                raise _failed(
                    f"the answer is larger than {config.max_response_bytes} bytes", EnumCoreErrorCode.RESOURCE_ERROR
                )
    finally:
        await response.aclose()
    return Answer(response.status_code, response.headers, bytes(content))


def _retry_after_s(answer: Answer) -> float:
    """Seconds the server asks to wait: a number or a date, 0 when it says nothing that can be read."""
    said = answer.headers.get("Retry-After", "")
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _unreachable(exc: httpx.RequestError, attempts: int) -> ModelOnexError:
    if isinstance(exc, httpx.TimeoutException):
        return _failed(f"the server did not answer in time (tried {attempts} times)", EnumCoreErrorCode.TIMEOUT_ERROR)
    return _failed(
        f"the server cannot be reached ({type(exc).__name__}, tried {attempts} times); check ELASTICSEARCH_URL",
        EnumCoreErrorCode.NETWORK_ERROR,
    )


async def _index(request: ModelProductIndexInput, index: Index) -> ModelProductIndexOutput:
    document_id = request.document_id or uuid4().hex
    path = f"{'_create' if request.only_if_absent else '_doc'}/{_quoted(document_id)}"
    try:
        await index.call("PUT", f"{path}?refresh={_refresh(request)}", body=json.dumps(request.document))
    except ModelOnexError as exc:
        if exc.error_code != EnumCoreErrorCode.INVALID_STATE:
            raise
        stored = await index.call("GET", f"_doc/{_quoted(document_id)}", may_be_missing=True)
        # The same document is what an earlier attempt of this request left, or this request done before.
        if stored.get("_source") != request.document:
            raise
    return ModelProductIndexOutput(operation=request.operation, count=1, document_id=document_id)


async def _get(request: ModelProductIndexInput, index: Index) -> ModelProductIndexOutput:
    answer = await index.call("GET", f"_doc/{_quoted(request.document_id)}", may_be_missing=True)
    document = answer.get("_source")
    if not isinstance(document, dict):
        raise _failed(f"there is no document {request.document_id}", EnumCoreErrorCode.NOT_FOUND)
    return ModelProductIndexOutput(
        operation=request.operation, count=1, document_id=request.document_id, document=document
    )


async def _search(request: ModelProductIndexInput, index: Index) -> ModelProductIndexOutput:
    body = json.dumps({"size": request.limit, "track_total_hits": True, "query": build_query(request)})
    found = _mapping(await index.call("POST", "_search", body=body), "hits")
    documents = {str(hit["_id"]): _mapping(hit, "_source") for hit in _mappings(found, "hits")}
    return ModelProductIndexOutput(
        operation=request.operation,
        count=len(documents),
        documents=documents,
        total=int(str(_mapping(found, "total").get("value", 0))),
    )


def build_query(request: ModelProductIndexInput) -> dict[str, JsonValue]:
    """Words are looked for, terms must be equal; without either, everything is found."""
    must: list[JsonValue] = [{"match": {name: words}} for name, words in request.match.items()]
    terms: list[JsonValue] = [{"term": {name: value}} for name, value in request.term.items()]
    if not must and not terms:
        return {"match_all": {}}
    return {"bool": {"must": must, "filter": terms}}


async def _delete(request: ModelProductIndexInput, index: Index) -> ModelProductIndexOutput:
    path = f"_doc/{_quoted(request.document_id)}?refresh={_refresh(request)}"
    answer = await index.call("DELETE", path, may_be_missing=True)
    return ModelProductIndexOutput(
        operation=request.operation, count=int(answer.get("result") == "deleted"), document_id=request.document_id
    )


async def _bulk(request: ModelProductIndexInput, index: Index) -> ModelProductIndexOutput:
    if not request.documents:
        raise _failed("documents must hold at least one document", EnumCoreErrorCode.VALIDATION_ERROR)
    lines = [
        line
        for document_id, document in request.documents.items()
        for line in (json.dumps({"index": {"_id": document_id}}), json.dumps(document))
    ]
    answer = await index.call("POST", f"_bulk?refresh={_refresh(request)}", body="\n".join([*lines, ""]))
    results = [_mapping(item, "index") for item in _mappings(answer, "items")]
    failures = {str(result["_id"]): _reason(result) for result in results if "error" in result}
    return ModelProductIndexOutput(operation=request.operation, count=len(results) - len(failures), failures=failures)


_OPERATIONS: dict[
    EnumProductIndexOperation, Callable[[ModelProductIndexInput, Index], Awaitable[ModelProductIndexOutput]]
] = {
    EnumProductIndexOperation.INDEX: _index,
    EnumProductIndexOperation.GET: _get,
    EnumProductIndexOperation.SEARCH: _search,
    EnumProductIndexOperation.DELETE: _delete,
    EnumProductIndexOperation.BULK: _bulk,
}


def _quoted(document_id: str) -> str:
    """The id as one segment of a path; `..` would be another address, and without an id it would be the index."""
    if document_id in {"", ".", ".."}:
        raise _failed(f"document_id {document_id!r} names no document", EnumCoreErrorCode.VALIDATION_ERROR)
    return quote(document_id, safe="")


def _refresh(request: ModelProductIndexInput) -> str:
    return "wait_for" if request.is_searchable_at_once else "false"


def _decoded(answer: Answer) -> Document:
    try:
        decoded = json.loads(answer.content or b"{}")
    except (ValueError, RecursionError):
        decoded = None
    if not isinstance(decoded, dict):
        raise _failed(
            f"the answer (HTTP {answer.status}) is not that of Elasticsearch or OpenSearch; check ELASTICSEARCH_URL",
            _STATUS_CODES.get(answer.status, EnumCoreErrorCode.PARSING_ERROR),
        )
    return decoded


def _refused(answer: Answer, document: Document) -> ModelOnexError:
    """What a refusal of the server means."""
    code = _STATUS_CODES.get(answer.status, EnumCoreErrorCode.DATABASE_OPERATION_ERROR)
    if code is EnumCoreErrorCode.AUTHENTICATION_ERROR:
        return _failed(
            f"the server refused the credentials (HTTP {answer.status}); check ELASTICSEARCH_API_KEY, "
            "or ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD",
            code,
        )
    return _failed(f"the server answered HTTP {answer.status}: {_reason(document)}", code)


def _reason(document: Document) -> str:
    """The server's own words in an answer that reports an error."""
    error = document.get("error")
    words = error.get("reason") or error.get("type") if isinstance(error, dict) else error
    return str(words or "no reason given")[:500]


def _mapping(document: Document, name: str) -> Document:
    value = document.get(name)
    if not isinstance(value, dict):
        raise _failed(f"the answer has no {name}", EnumCoreErrorCode.PARSING_ERROR)
    return value


def _mappings(document: Document, name: str) -> list[Document]:
    values = document.get(name)
    if not isinstance(values, list):
        raise _failed(f"the answer has no list of {name}", EnumCoreErrorCode.PARSING_ERROR)
    return [value for value in values if isinstance(value, dict)]


def _failed(message: str, code: EnumCoreErrorCode) -> ModelOnexError:
    return ModelOnexError(message=message, error_code=code)
