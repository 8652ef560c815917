"""Business logic of NodeOrderApiEffect: one call of an HTTP API, with retries where they are safe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from pydantic import JsonValue

from .models import ModelOrderApiConfig, ModelOrderApiInput, ModelOrderApiOutput

OpenClient = Callable[[ModelOrderApiConfig], httpx.AsyncClient]

_RETRYABLE_STATUS = frozenset({429, 502, 503, 504})
# A repeated POST or PATCH could do its work twice.
_REPEATABLE_METHODS = frozenset({"GET", "PUT", "DELETE"})


def open_client(config: ModelOrderApiConfig) -> httpx.AsyncClient:
    """A client bound to the configured API; redirects are not followed to other places."""
    headers = {"Accept": "application/json"}
    if config.token is not None:
        headers["Authorization"] = f"Bearer {config.token.get_secret_value()}"
    return httpx.AsyncClient(
        base_url=config.base_url, headers=headers, timeout=config.timeout_s, follow_redirects=False
    )


async def perform(
    request: ModelOrderApiInput, config: ModelOrderApiConfig, *, open_client: OpenClient = open_client
) -> ModelOrderApiOutput:
    """Send the request; raises ModelOnexError when the API cannot be reached or refuses."""
    async with open_client(config) as client:
        response, attempts = await _send(client, request, config)
    if response.status_code in {401, 403}:
        raise _failed(f"the API refused the credentials (HTTP {response.status_code}); check HTTP_API_TOKEN",
                      EnumCoreErrorCode.AUTHENTICATION_ERROR)  # fmt: skip
    if response.status_code >= 400:
        code = EnumCoreErrorCode.NOT_FOUND if response.status_code == 404 else EnumCoreErrorCode.OPERATION_FAILED
        raise _failed(f"the API answered HTTP {response.status_code} after {attempts} attempts", code)
    return ModelOrderApiOutput(status_code=response.status_code, body=_decoded(response), attempts=attempts)


async def _send(
    client: httpx.AsyncClient, request: ModelOrderApiInput, config: ModelOrderApiConfig
) -> tuple[httpx.Response, int]:
    is_repeatable = request.operation.value in _REPEATABLE_METHODS
    attempts = config.max_attempts if is_repeatable else 1
    for attempt in range(1, attempts + 1):
        try:
            response = await client.request(
                request.operation.value,
                request.path,
                params=request.query or None,
                headers=request.headers,
                json=request.body,
            )
        except httpx.TimeoutException as exc:
            if attempt == attempts:
                raise _failed(f"the API did not answer within {config.timeout_s} s",
                              EnumCoreErrorCode.TIMEOUT_ERROR) from exc  # fmt: skip
        except httpx.TransportError as exc:
            if attempt == attempts:
                raise _failed(f"the API cannot be reached: {type(exc).__name__}",
                              EnumCoreErrorCode.NETWORK_ERROR) from exc  # fmt: skip
        else:
            if response.status_code not in _RETRYABLE_STATUS or attempt == attempts:
                return response, attempt
        await asyncio.sleep(config.retry_pause_s * 2 ** (attempt - 1))
    raise _failed("max_attempts must be at least 1", EnumCoreErrorCode.CONFIGURATION_ERROR)


def _decoded(response: httpx.Response) -> JsonValue:
    if not response.content:
        return None
    try:
        decoded: JsonValue = response.json()
    except ValueError:
        return response.text
    return decoded


def _failed(message: str, code: EnumCoreErrorCode) -> ModelOnexError:
    return ModelOnexError(message=message, error_code=code)
