"""Checks of `omniclaude doctor` for what is learned and who reviews: the pattern library, and the panel of mode strict.

An empty library and a panel that is short harm only what needs them. Beside `doctor_checks`, which lists these too.
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omniclaude_dagster.patterns.library import LibraryHealth
    from omniclaude_dagster.providers.gateway import HttpModelGateway
    from omniclaude_dagster.providers.model import ModelStatus
    from omniclaude_dagster.quorum.model import Seat
    from omniclaude_dagster.settings import Settings
    from omniclaude_dagster.surfaces.cli.doctor_checks import Check

_PANEL_CURE = (
    "until then mode strict blocks; start the hosts or set the keys that omniclaude models names, or set "
    "OMNICLAUDE_PANEL to a panel of the models that you have"
)


def check_patterns(settings: "Settings") -> "Check":
    """A text is embedded and searched for; patterns that have no vector of the present model are counted."""
    from omniclaude_dagster.pipeline import Platform
    from omniclaude_dagster.surfaces.cli.doctor_checks import Check

    with Platform(settings) as platform:
        health = platform.library.health()
    is_whole = health.is_store_reachable and health.is_embedder_reachable and health.is_index_reachable
    if not is_whole:
        return Check("patterns", "degraded", "; ".join(health.degraded), _patterns_cure(health))
    detail = f"{health.active_count} active patterns, found by {health.index} with {health.embedding_model}"
    if health.waiting_count:
        waiting = f"{detail}; {health.waiting_count} wait for a vector of that model"
        return Check("patterns", "degraded", waiting, "omniclaude patterns reembed", is_optional=True)
    return Check("patterns", "ok", detail)


def _patterns_cure(health: "LibraryHealth") -> str:
    if not health.is_store_reachable:
        return "see the part records; until then no pattern is found"
    if not health.is_embedder_reachable:
        return "start the host of OMNICLAUDE_EMBEDDINGS_BASE_URL or unset it; make setup repairs the built-in model"
    return "start that server, or set OMNICLAUDE_PATTERN_INDEX=embedded"


def check_panel(settings: "Settings") -> "Check":
    """The panel file is right, and the models of its seats are asked whether they are there."""
    from omniclaude_dagster.providers.directory import DEFAULT_MODEL
    from omniclaude_dagster.providers.gateway import build_gateway
    from omniclaude_dagster.quorum.panel import STAGE, build_panel, resolved
    from omniclaude_dagster.quorum.tally import reaches
    from omniclaude_dagster.surfaces.cli.doctor_checks import Check

    gateway = build_gateway(settings)
    panel = build_panel(settings)
    seats = resolved(panel, usable=gateway.candidates(STAGE)).seats
    statuses = asyncio.run(_asked(gateway))
    answering = {status.name for status in statuses if status.is_reachable}
    if settings.model_base_url and statuses and statuses[0].is_reachable:
        answering.add(DEFAULT_MODEL)
    voters = voters_of(seats, answering=answering)
    share = sum(seat.weight for seat in panel.seats if seat.name in voters) / (panel.total_weight or 1.0)
    missing = ", ".join(f"{seat.name} ({', '.join(seat.models)})" for seat in panel.seats if seat.name not in voters)
    needed = panel.thresholds.participation
    detail = (
        f"panel {panel.name}: {len(voters)} of {len(panel.seats)} seats can vote now, {share:.0%} of the weight; "
        f"{needed:.0%} are needed"
    ) + (f"; without {missing}" if missing else "")
    if voters and reaches(share, needed):
        return Check("panel", "ok", detail)
    return Check("panel", "degraded", detail, _PANEL_CURE, is_optional=True)


def voters_of(seats: "Sequence[Seat]", *, answering: Collection[str]) -> frozenset[str]:
    """The seats that get a model that answers, when the models are given out as `quorum/voting.py` does.

    Each claims its first free model, the heavier before the lighter; a model is asked for one seat only.
    """
    by_priority = sorted(seats, key=lambda seat: -seat.weight)
    left = {seat.name: list(seat.models) for seat in seats}
    taken: set[str] = set()

    def claim(seat: "Seat") -> str | None:
        while left[seat.name]:
            model = left[seat.name].pop(0)
            if model not in taken:
                taken.add(model)
                return model
        return None

    claimed = {seat.name: claim(seat) for seat in by_priority}
    for seat in by_priority:
        while claimed[seat.name] is not None and claimed[seat.name] not in answering:
            claimed[seat.name] = claim(seat)
    return frozenset(name for name, model in claimed.items() if model is not None)


async def _asked(gateway: "HttpModelGateway") -> "tuple[ModelStatus, ...]":
    try:
        return await gateway.status()
    finally:
        await gateway.close()
