"""`generation_assist`: what a prompt is understood as, and what the platform knows about doing it. Asks no model."""

import time
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from omniclaude_dagster.errors import RecordsUnavailableError
from omniclaude_dagster.patterns.model import Found, PatternQuery
from omniclaude_dagster.records.kind_figures import KindFigures
from omniclaude_dagster.request.model import NodeKind, ParsedRequest
from omniclaude_dagster.request.understanding.understand import understand
from omniclaude_dagster.surfaces.api.answers import (
    NANOUSD_PER_USD,
    ChainView,
    ExpectedView,
    ParsedView,
    interval_view,
    json_answer,
    offer_views,
    public_reasons,
)
from omniclaude_dagster.surfaces.api.blocking import BlockingWork
from omniclaude_dagster.surfaces.api.requests import AssistRequest
from omniclaude_dagster.surfaces.api.services import Services

# The stages that ask models, as `model_configs/chains.yaml` names them.
_ASKING_STAGES = ("prompt_parsing", "business_logic")


@dataclass(frozen=True)
class _Kept:
    figures: KindFigures | None
    kept_at: float


class AssistEndpoint:
    """Rules, library and records, asked one after the other in one thread."""

    def __init__(self, services: Services, work: BlockingWork, *, figures_max_age_s: float) -> None:
        self._services = services
        self._work = work
        self._max_age_s = figures_max_age_s
        self._kept: dict[NodeKind, _Kept] = {}

    async def generation_assist(self, asked: AssistRequest) -> Response:
        """Understand a prompt; give the patterns that fit, the models to be asked, and what may be expected."""
        return json_answer(await self._work.run(lambda: self._answer(asked)))

    def _answer(self, asked: AssistRequest) -> dict[str, Any]:
        parsed = understand(asked.prompt, node_kind=asked.node_kind, name=asked.name, domain=asked.domain)
        found = self._found(asked, parsed)
        expected, problem = self._expected(parsed.node_kind)
        return {
            "parsed": _parsed_view(parsed),
            "patterns": offer_views(found.offers),
            "models": [self._chain(stage) for stage in _ASKING_STAGES],
            "expected": expected,
            "degraded": (*public_reasons(found.degraded), *problem),
        }

    def _found(self, asked: AssistRequest, parsed: ParsedRequest) -> Found:
        """Nothing for a kind that is not known: patterns of another kind would be no help."""
        if parsed.node_kind is None:
            return Found()
        query = PatternQuery(
            text=asked.prompt, node_kind=parsed.node_kind, systems=parsed.external_systems, limit=asked.limit
        )
        return self._services.finder.find(query)

    def _chain(self, stage: str) -> ChainView:
        chain = self._services.chain_for(stage)
        return ChainView(stage=stage, models=chain.models, tries_per_model=chain.tries_per_model, skipped=chain.skipped)

    def _expected(self, kind: NodeKind | None) -> tuple[ExpectedView | None, tuple[str, ...]]:
        if kind is None:
            return None, ()
        try:
            figures = self._figures(kind)
        except RecordsUnavailableError:
            return None, ("the records do not answer, so nothing can be expected",)
        return (None if figures is None else _expected_view(kind, figures)), ()

    def _figures(self, kind: NodeKind) -> KindFigures | None:
        """As old as `figures_max_age_s` at most: they change slowly, and cost a query."""
        kept = self._kept.get(kind)
        now = time.monotonic()
        if kept is None or now - kept.kept_at > self._max_age_s:
            kept = self._kept[kind] = _Kept(self._services.kind_figures(kind), now)
        return kept.figures


def _parsed_view(parsed: ParsedRequest) -> ParsedView:
    said: dict[str, Any] = parsed.as_json()
    said["systems"] = said.pop("external_systems")
    return ParsedView(**said)


def _expected_view(kind: NodeKind, figures: KindFigures) -> ExpectedView:
    return ExpectedView(
        node_kind=kind,
        generation_count=figures.generation_count,
        success_rate=interval_view(figures.success),
        quality_score=figures.average_quality,
        cost_nanousd=figures.average_cost_nanousd,
        cost_usd=figures.average_cost_nanousd / NANOUSD_PER_USD,
    )
