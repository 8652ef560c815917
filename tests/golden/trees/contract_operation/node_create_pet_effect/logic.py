# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Business logic of NodeCreatePetEffect: one call of an HTTP API.

It is repeated only where a repetition cannot do the work twice.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from pydantic import JsonValue

from .models import ModelCreatePetConfig, ModelCreatePetInput, ModelCreatePetOutput

OpenClient = Callable[[ModelCreatePetConfig], httpx.AsyncClient]

_BUSY = frozenset({429, 502, 503, 504})
_REPEATABLE_METHODS = frozenset({"GET", "PUT", "DELETE"})
# Segments that lead out of the configured address, however they are written.
_ASCENT = re.compile(r"(^|[/\\])(\.|%2e){1,2}([/\\]|%2f|$)|%2f(\.|%2e){2}|\\|^//", re.IGNORECASE)
_OWN_HEADERS = frozenset({"connection", "content-length", "host", "transfer-encoding"})
_STATUS_CODES = {
    401: EnumCoreErrorCode.AUTHENTICATION_ERROR,
    403: EnumCoreErrorCode.AUTHENTICATION_ERROR,
    404: EnumCoreErrorCode.NOT_FOUND,
    429: EnumCoreErrorCode.RATE_LIMIT_ERROR,
    502: EnumCoreErrorCode.SERVICE_UNAVAILABLE,
    503: EnumCoreErrorCode.SERVICE_UNAVAILABLE,
    504: EnumCoreErrorCode.SERVICE_UNAVAILABLE,
}


def open_client(config: ModelCreatePetConfig) -> httpx.AsyncClient:
    """A client bound to the configured API; redirects are not followed to other places."""
    headers = {"Accept": "application/json"}
    if config.token is not None:
        headers["Authorization"] = f"Bearer {config.token.get_secret_value()}"
    return httpx.AsyncClient(
        base_url=config.base_url, headers=headers, timeout=config.timeout_s, follow_redirects=False
    )


async def perform(
    request: ModelCreatePetInput, config: ModelCreatePetConfig, *, open_client: OpenClient = open_client
) -> ModelCreatePetOutput:
    """Send the request; raises ModelOnexError when the API cannot be reached in time or refuses."""
    is_repeatable = request.operation.value in _REPEATABLE_METHODS or bool(request.idempotency_key)
    try:
        async with asyncio.timeout(config.deadline_s), open_client(config) as client:
            answer, attempts = await _send(client, _built(client, request), config, is_repeatable=is_repeatable)
    except TimeoutError as exc:
        raise _failed(f"the call was not done within {config.deadline_s} s", EnumCoreErrorCode.TIMEOUT_ERROR) from exc
    _check_status(answer, attempts)
    return ModelCreatePetOutput(status_code=answer.status, body=_decoded(answer), attempts=attempts)


def _built(client: httpx.AsyncClient, request: ModelCreatePetInput) -> httpx.Request:
    """The request as it will be sent. Raises ModelOnexError for a path or header that cannot be sent."""
    if _ASCENT.search(request.path):
        raise _failed("path must stay below the base address", EnumCoreErrorCode.VALIDATION_ERROR)
    headers = dict(request.headers)
    if request.idempotency_key:
        headers["Idempotency-Key"] = request.idempotency_key
    if any(not f"{name}{value}".isascii() or not f"{name}{value}".isprintable() for name, value in headers.items()):
        raise _failed("a header holds characters that cannot be sent", EnumCoreErrorCode.VALIDATION_ERROR)
    # Only what was given: an optional property that is absent is not sent as null.
    body = request.model_dump(mode="json", exclude_unset=True).get("body")
    return client.build_request(
        request.operation.value, request.path, params=request.query or None, headers=headers, json=body
    )


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, read completely."""

    status: int
    headers: httpx.Headers
    content: bytes


async def _send(
    client: httpx.AsyncClient, request: httpx.Request, config: ModelCreatePetConfig, *, is_repeatable: bool
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


async def _exchange(client: httpx.AsyncClient, request: httpx.Request, config: ModelCreatePetConfig) -> Answer:
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
        f"the server cannot be reached ({type(exc).__name__}, tried {attempts} times); check HTTP_API_BASE_URL",
        EnumCoreErrorCode.NETWORK_ERROR,
    )


def _check_status(answer: Answer, attempts: int) -> None:
    if answer.status < 400:
        return
    code = _STATUS_CODES.get(answer.status, EnumCoreErrorCode.OPERATION_FAILED)
    cure = "; check HTTP_API_TOKEN" if code is EnumCoreErrorCode.AUTHENTICATION_ERROR else ""
    raise _failed(f"the API answered HTTP {answer.status} after {attempts} attempts{cure}", code)


def _decoded(answer: Answer) -> JsonValue:
    if not answer.content:
        return None
    try:
        decoded: JsonValue = json.loads(answer.content)
    except (ValueError, RecursionError):
        return answer.content.decode(errors="replace")
    return decoded


def _failed(message: str, code: EnumCoreErrorCode) -> ModelOnexError:
    return ModelOnexError(message=message, error_code=code)
