"""How an endpoint is reached: who may, what its body is, which answers its document declares."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, get_type_hints

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from omniclaude_dagster.surfaces.api.answers import Answer, json_answer
from omniclaude_dagster.surfaces.api.bodies import read_json
from omniclaude_dagster.surfaces.api.config import ServiceConfig
from omniclaude_dagster.surfaces.api.guard import CALLER, Guard
from omniclaude_dagster.surfaces.api.problems import KINDS, Problem, of_validation
from omniclaude_dagster.surfaces.api.texts import Body
from omniclaude_dagster.surfaces.api.tokens import SCOPES, Scope

SECURITY_SCHEME = "bearer"
_BODY_STATUSES = (408, 413, 415, 422)
_GUARD_STATUSES = (401, 403, 429)

type Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class GuardedRoute(APIRoute):
    """A route that lets nobody in before the guard has, reads no body before that, and reads it strictly.

    FastAPI declares the endpoint; calling it is done here, in a third of the time: there are no dependencies to be
    solved, and what an endpoint gives back is of its declared type already. An endpoint takes the request, a body, or
    both.
    """

    def get_route_handler(self) -> Handler:
        """What answers a request."""
        scope = _scope_of(self.openapi_extra or {})
        hints = get_type_hints(self.endpoint)
        of_request = next((name for name, hint in hints.items() if hint is Request), None)
        of_body = next(((name, hint) for name, hint in hints.items() if _is_body(hint)), None)
        endpoint = self.endpoint

        async def handle(request: Request) -> Response:
            arguments: dict[str, Any] = {of_request: request} if of_request else {}
            if scope is not None:
                guard: Guard = request.app.state.guard
                request.scope[CALLER] = guard.admit(request, scope)
            if of_body is not None:
                config: ServiceConfig = request.app.state.config
                arguments[of_body[0]] = validated(of_body[1], await read_json(request, config=config))
            answer: Response | Answer = await endpoint(**arguments)
            return answer if isinstance(answer, Response) else json_answer(answer)

        return handle


def validated[B: Body](body: type[B], data: Any) -> B:
    """The body. Raises ProblemError 422 with a pointer to each mistake."""
    try:
        return body.model_validate(data)
    except ValidationError as exc:
        raise of_validation(exc.errors(include_url=False, include_input=False)) from None


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


def _is_body(hint: Any) -> bool:
    """Whether an annotation names a body."""
    return isinstance(hint, type) and issubclass(hint, Body)
