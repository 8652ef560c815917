"""The OpenAPI document: what FastAPI makes of the endpoints, with the refusals and headers that we add to every one."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from omniclaude_dagster.surfaces.api.problems import MEDIA_TYPE
from omniclaude_dagster.surfaces.api.routes import SECURITY_SCHEME

_DESCRIPTION = (
    "Patterns of good generations, and figures about models. Every request but /healthz needs a bearer token; "
    "every refusal is an RFC 9457 problem."
)
_TEXT = {"type": "string"}
_SECONDS = {"type": "integer", "minimum": 0}
_HEADERS: dict[str, Any] = {"X-Request-Id": {"description": "Id of this request, also in the log.", "schema": _TEXT}}
_HEADERS_OF_STATUS: dict[str, Any] = {
    "401": {"WWW-Authenticate": {"description": "Bearer.", "schema": _TEXT}},
    "403": {"WWW-Authenticate": {"description": "Bearer, with the scope that is missing.", "schema": _TEXT}},
    "429": {"Retry-After": {"description": "Seconds.", "schema": _SECONDS}},
    "503": {"Retry-After": {"description": "Seconds; /healthz does not say.", "schema": _SECONDS}},
}


def document_of(app: FastAPI) -> dict[str, Any]:
    """The document. Made once: the endpoints do not change."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=_DESCRIPTION,
            routes=app.routes,
        )
        schemes = {SECURITY_SCHEME: {"type": "http", "scheme": "bearer", "description": "Scopes: read, write."}}
        document.setdefault("components", {})["securitySchemes"] = schemes
        for operations in document["paths"].values():
            for operation in operations.values():
                for status, response in operation["responses"].items():
                    _complete(status, response)
        app.openapi_schema = document
    return app.openapi_schema


def _complete(status: str, response: dict[str, Any]) -> None:
    response["headers"] = {**_HEADERS, **_HEADERS_OF_STATUS.get(status, {})}
    content = response.get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if schema.get("$ref", "").endswith("/Problem"):
        response["content"] = {MEDIA_TYPE: content["application/json"]}
