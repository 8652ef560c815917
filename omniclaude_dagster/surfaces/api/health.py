"""`/healthz`: every part is really tried, though not for every caller again."""

import asyncio
import logging
import time
from collections.abc import Mapping

from starlette.responses import Response

from omniclaude_dagster.errors import OmniClaudeError
from omniclaude_dagster.surfaces.api.answers import HealthAnswer, HealthStatus, PartView, json_answer
from omniclaude_dagster.surfaces.api.blocking import BlockingWork
from omniclaude_dagster.surfaces.api.problems import ProblemError
from omniclaude_dagster.surfaces.api.services import VITAL, PartHealth, Services

logger = logging.getLogger(__name__)

_OK, _UNAVAILABLE = 200, 503


class HealthEndpoint:
    """Tries the parts; one try serves everybody who asks within `max_age_s`."""

    def __init__(self, services: Services, work: BlockingWork, *, max_age_s: float) -> None:
        self._services = services
        self._work = work
        self._max_age_s = max_age_s
        self._lock = asyncio.Lock()
        self._kept: HealthAnswer | None = None
        self._kept_at = 0.0

    async def healthz(self) -> Response:
        """200 when healthy or degraded, as the body says; 503 when the service cannot do its work."""
        async with self._lock:
            if self._kept is None or time.monotonic() - self._kept_at > self._max_age_s:
                self._kept = await self._tried()
                self._kept_at = time.monotonic()
            answer = self._kept
        return json_answer(answer, status=_UNAVAILABLE if answer.status == "unhealthy" else _OK)

    async def _tried(self) -> HealthAnswer:
        parts = await self._parts()
        away = {name for name, part in parts.items() if part.status == "away"}
        if away & VITAL:
            status: HealthStatus = "unhealthy"
        else:
            status = "healthy" if all(part.status == "ok" for part in parts.values()) else "degraded"
        return HealthAnswer(
            status=status,
            parts={name: PartView(status=part.status, detail=part.detail) for name, part in parts.items()},
        )

    async def _parts(self) -> Mapping[str, PartHealth]:
        """Where the attempt itself fails or hangs, what is vital counts as away; why is for the log."""
        try:
            return await self._work.run(self._services.health)
        except (OmniClaudeError, ProblemError) as exc:
            logger.warning("the parts could not be tried: %s", exc)
            return dict.fromkeys(VITAL, PartHealth("away", "could not be tried"))
