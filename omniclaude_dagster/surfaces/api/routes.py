"""How an endpoint is reached: who may, what its body is, which answers its document declares."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from omniclaude_dagster.surfaces.api.bodies import read_json
from omniclaude_dagster.surfaces.api.config import ServiceConfig
from omniclaude_dagster.surfaces.api.guard import CALLER, Guard
from omniclaude_dagster.surfaces.api.problems import KINDS, Problem
from omniclaude_dagster.surfaces.api.tokens import SCOPES, Scope

SECURITY_SCHEME = "bearer"
_BODY_STATUSES = (408, 413, 415, 422)
_GUARD_STATUSES = (401, 403, 429)

type Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class ReadRequest(Request):
    """A request whose body was read already, strictly; FastAPI takes both forms from here."""

    def __init__(self, request: Request, data: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._read = data

    async def body(self) -> bytes:
        """Anything that is not empty: FastAPI only asks whether there is a body."""
        return b"{}"

    async def json(self) -> Any:
        """The data."""
        return self._read


class GuardedRoute(APIRoute):
    """A route that lets nobody in before the guard has, and reads no body before that."""

    def get_route_handler(self) -> Handler:
        """FastAPI's handler behind the guard."""
        answer = super().get_route_handler()
        scope = _scope_of(self.openapi_extra or {})
        has_body = self.body_field is not None

        async def handle(request: Request) -> Response:
            guard: Guard = request.app.state.guard
            config: ServiceConfig = request.app.state.config
            if scope is not None:
                request.scope[CALLER] = guard.admit(request, scope)
            if has_body:
                request = ReadRequest(request, await read_json(request, config=config))
            return await answer(request)

        return handle


def add_endpoint(
    app: FastAPI,
    path: str,
    endpoint: Callable[..., Any],
    *,
    method: str,
    answer: Any,
    scope: Scope | None = None,
    statuses: Sequence[int] = (),
    more: dict[int | str, dict[str, Any]] | None = None,
) -> None:
    """Register an endpoint. `statuses`: refusals of its own, beside those of the guard and of reading a body."""
    refusals = {*statuses, *(_GUARD_STATUSES if scope else ()), *(_BODY_STATUSES if method == "POST" else ())}
    if scope:
        refusals.add(503)
    app.router.add_api_route(
        path,
        endpoint,
        methods=[method],
        operation_id=endpoint.__name__,
        response_model=answer,
        responses={status: _refusal(status) for status in sorted(refusals)} | (more or {}),
        openapi_extra={"security": [{SECURITY_SCHEME: [scope]}]} if scope else {"security": []},
        route_class_override=GuardedRoute,
    )


def _refusal(status: int) -> dict[str, Any]:
    titles = [title for known, title in KINDS.values() if known == status]
    return {"model": Problem, "description": "; ".join(titles)}


def _scope_of(extra: dict[str, Any]) -> Scope | None:
    for entry in extra.get("security", ()):
        for scope in entry.get(SECURITY_SCHEME, ()):
            return SCOPES[SCOPES.index(scope)]
    return None
