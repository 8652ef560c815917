"""`build_app`: the HTTP service as an ASGI application, over whatever parts it is given. Wiring is `wiring.py`'s."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from omniclaude_dagster.errors import OmniClaudeError
from omniclaude_dagster.providers.redaction import Redactor
from omniclaude_dagster.surfaces.api import problems
from omniclaude_dagster.surfaces.api.answers import (
    AssistAnswer,
    FoundPatterns,
    HealthAnswer,
    RecordedAnswer,
    StoredAnswer,
    SummaryAnswer,
)
from omniclaude_dagster.surfaces.api.assist import AssistEndpoint
from omniclaude_dagster.surfaces.api.blocking import BlockingWork, SearchWork
from omniclaude_dagster.surfaces.api.config import ServiceConfig
from omniclaude_dagster.surfaces.api.edge import REQUEST_ID, Edge
from omniclaude_dagster.surfaces.api.figures import FigureEndpoints
from omniclaude_dagster.surfaces.api.guard import Guard
from omniclaude_dagster.surfaces.api.health import HealthEndpoint
from omniclaude_dagster.surfaces.api.openapi import document_of
from omniclaude_dagster.surfaces.api.patterns import PatternEndpoints
from omniclaude_dagster.surfaces.api.routes import add_endpoint
from omniclaude_dagster.surfaces.api.services import Services
from omniclaude_dagster.surfaces.api.tokens import TokenFile

logger = logging.getLogger(__name__)

_INTELLIGENCE = "/v1/intelligence"


def build_app(
    services: Services, config: ServiceConfig, *, tokens: TokenFile, redactor: Redactor | None = None
) -> FastAPI:
    """The application. `redactor` knows the keys in use here: a pattern that holds one is refused.

    There is no /docs: FastAPI's pages load their scripts from elsewhere. /openapi.json can be read by any viewer.
    """
    work = BlockingWork(config)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            await work.run(services.warm_up)
        except (OmniClaudeError, problems.ProblemError) as exc:
            # What is away may come back: until then /healthz says so.
            logger.warning("the service starts without all of its parts: %s", exc)
        yield
        work.close()
        services.close()

    app = FastAPI(
        title="OmniClaude",
        version=version("omniclaude-dagster"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        # FastAPI would send traces, with bodies in them, wherever a variable of the environment says.
        telemetry={"auto_configure": False, "tracing": False, "metrics": False, "logs": False},
    )
    app.state.guard = Guard(tokens, config)
    app.state.config = config
    app.openapi = lambda: document_of(app)  # type: ignore[method-assign]
    _add_endpoints(app, services, work, config, redactor or Redactor())
    for kind in (problems.ProblemError, HTTPException, OmniClaudeError):
        app.add_exception_handler(kind, _refused)
    app.add_middleware(Edge, config=config)
    return app


def _add_endpoints(
    app: FastAPI, services: Services, work: BlockingWork, config: ServiceConfig, redactor: Redactor
) -> None:
    searches = SearchWork(work, is_in_process=services.is_in_process and not config.is_search_threaded)
    patterns = PatternEndpoints(services, work, searches, redactor)
    figures = FigureEndpoints(services, work)
    assist = AssistEndpoint(services, work, figures_max_age_s=config.figures_max_age_s)
    health = HealthEndpoint(services, work, max_age_s=config.health_max_age_s)
    add_endpoint(
        app,
        f"{_INTELLIGENCE}/store_pattern",
        patterns.store_pattern,
        method="POST",
        answer=StoredAnswer,
        scope="write",
        more={201: {"model": StoredAnswer, "description": "The pattern is new."}},
    )
    add_endpoint(
        app,
        f"{_INTELLIGENCE}/get_patterns",
        patterns.get_patterns,
        method="POST",
        answer=FoundPatterns,
        scope="read",
    )
    add_endpoint(
        app,
        f"{_INTELLIGENCE}/generation_assist",
        assist.generation_assist,
        method="POST",
        answer=AssistAnswer,
        scope="read",
    )
    add_endpoint(
        app,
        f"{_INTELLIGENCE}/record_model_performance",
        figures.record_model_performance,
        method="POST",
        answer=RecordedAnswer,
        scope="write",
        statuses=(409,),
    )
    add_endpoint(app, "/v1/metrics/summary", figures.metrics_summary, method="GET", answer=SummaryAnswer, scope="read")
    add_endpoint(
        app,
        "/healthz",
        health.healthz,
        method="GET",
        answer=HealthAnswer,
        more={503: {"model": HealthAnswer, "description": "The service cannot do its work."}},
    )


async def _refused(request: Request, exc: Exception) -> Response:
    """Every way to refuse becomes a problem."""
    if isinstance(exc, problems.ProblemError):
        found = exc
    elif isinstance(exc, HTTPException):
        found = problems.of_status(exc.status_code, exc.headers)
    elif isinstance(exc, OmniClaudeError):
        found = problems.of_failure(exc)
    else:
        raise exc
    return problems.answer(found, request.scope[REQUEST_ID])
