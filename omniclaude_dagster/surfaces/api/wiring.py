"""The real parts behind the service, from the settings: library, records and chains of one `pipeline.Platform`."""

import logging

from fastapi import FastAPI

from omniclaude_dagster.patterns.library import LibraryHealth, PatternLibrary
from omniclaude_dagster.patterns.model import Found, PatternQuery
from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.records.kind_figures import kind_figures
from omniclaude_dagster.records.reported import contradicting
from omniclaude_dagster.records.repository import RecordsHealth
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.surfaces.api.app import build_app
from omniclaude_dagster.surfaces.api.config import ServiceConfig
from omniclaude_dagster.surfaces.api.services import PartHealth, Services
from omniclaude_dagster.surfaces.api.tokens import TokenFile

logger = logging.getLogger(__name__)


def app_of(settings: Settings, config: ServiceConfig) -> FastAPI:
    """The service over the parts that the settings name. Parts that are away are tried again with each request."""
    return build_app(services_of(Platform(settings)), config, tokens=TokenFile(settings.home_path))


class _SpeakingFinder:
    """A library that says in the log what is away, once each time that changes: callers get to see no addresses."""

    def __init__(self, library: PatternLibrary) -> None:
        self._library = library
        self._said: tuple[str, ...] = ()

    def find(self, query: PatternQuery) -> Found:
        """What the library finds."""
        found = self._library.find(query)
        if found.degraded != self._said:
            self._said = found.degraded
            logger.warning("patterns: %s", "; ".join(found.degraded) or "everything is back")
        return found


def services_of(platform: Platform) -> Services:
    """What the endpoints ask. The platform is closed with the service."""
    library, records = platform.library, platform.records
    return Services(
        finder=_SpeakingFinder(library),
        adder=library,
        records=records,
        contradicting=lambda rows: records.database.read(lambda connection: contradicting(connection, rows)),
        kind_figures=lambda kind: records.database.read(lambda connection: kind_figures(connection, kind.value)),
        chain_for=lambda stage: platform.chains.resolve(stage, usable=platform.models.candidates(stage)),
        health=lambda: {"records": records_part(records.health()), **library_parts(library.health())},
        is_in_process=is_in_process(platform.settings, records.database.backend),
        warm_up=library.refresh,
        close=platform.close,
    )


def is_in_process(settings: Settings, backend: str) -> bool:
    """Whether a search asks no other server: records in a file, the index in memory, the model that comes with us."""
    has_own_index = settings.pattern_index != "pgvector" and (
        settings.qdrant_url is None or settings.pattern_index == "embedded"
    )
    return backend == "sqlite" and has_own_index and settings.embeddings_base_url is None


def records_part(found: RecordsHealth) -> PartHealth:
    """Whether the database would really take a write now, and whether something waits for it."""
    if not found.is_connected:
        return PartHealth("away", f"{found.backend} does not answer; {found.spooled_count} records wait for it")
    if found.spooled_count or found.set_aside_count:
        waiting = f"{found.spooled_count} records wait to be written, {found.set_aside_count} never can be"
        return PartHealth("degraded", f"{found.backend} takes writes; {waiting}")
    return PartHealth("ok", f"{found.backend} takes writes")


def library_parts(found: LibraryHealth) -> dict[str, PartHealth]:
    """Whether patterns can be found by meaning. For what is away something lesser steps in: degraded at most."""
    counted = f"{found.active_count} patterns, {found.waiting_count} without a vector"
    is_well = found.is_store_reachable and found.is_index_reachable and not found.waiting_count
    embedder = found.embedding_model if found.is_embedder_reachable else "does not answer: only words are compared"
    return {
        "patterns": PartHealth("ok" if is_well else "degraded", f"index {found.index or 'not asked'}, {counted}"),
        "embedder": PartHealth("ok" if found.is_embedder_reachable else "degraded", embedder),
    }
