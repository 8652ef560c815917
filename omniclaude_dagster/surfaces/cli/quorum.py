"""`omniclaude quorum`: who votes and who could answer now, and the weights that known votes speak for."""

import asyncio
import contextlib
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.surfaces.cli.bench_quorum import PanelOption, settings_with
from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE, EXIT_NOT_PUBLISHED
from omniclaude_dagster.surfaces.cli.console import emit_json, notes, output
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from omniclaude_dagster.providers.model import ModelStatus
    from omniclaude_dagster.quorum.model import Panel, Seat
    from omniclaude_dagster.settings import Settings

quorum = typer.Typer(
    name="quorum",
    help="The panel that reviews nodes in mode strict: who votes, and what their votes have been worth.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@quorum.command("panel")
def panel_command(*, panel: PanelOption = None, json_output: JsonOption = False, debug: DebugOption = False) -> int:
    """Show the seats, their weights, which model would answer for each now, and how much of the weight that is."""
    del debug
    from omniclaude_dagster.quorum.panel import build_panel
    from omniclaude_dagster.surfaces.cli.quorum_view import panel_view

    settings = settings_with(panel)
    seated = build_panel(settings)
    with notes().status("asking the models ..."):
        usable, statuses = asyncio.run(_asked(settings))
    own = statuses[0].name if settings.model_base_url and statuses else None
    document = _seating(seated, usable, {s.name: s for s in statuses}, own=own)
    if json_output:
        emit_json(document)
    else:
        panel_view(output(), document)
    return EXIT_DONE if document["is_reached"] else EXIT_NOT_PUBLISHED


@quorum.command("weights")
def weights_command(
    *,
    is_from_records: Annotated[
        bool, typer.Option("--from-records", help="Learn from the votes in the records whose truth is known.")
    ] = False,
    panel: PanelOption = None,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Propose weights by what the votes of each seat have been worth. Changes nothing: a person edits panel.yaml."""
    del debug
    from omniclaude_dagster.quorum.panel import build_panel
    from omniclaude_dagster.surfaces.cli.quorum_view import weights_view

    if not is_from_records:
        raise RequestError(
            "weights can be learned from the records only.", cure="omniclaude quorum weights --from-records"
        )
    settings = settings_with(panel)
    document = _proposal(build_panel(settings), settings)
    if json_output:
        emit_json(document)
    else:
        weights_view(output(), document)
    return EXIT_DONE


async def _asked(settings: "Settings") -> "tuple[Sequence[str], Sequence[ModelStatus]]":
    """Which models may be asked for stage 5.5, and every configured model, really asked."""
    from omniclaude_dagster.providers.gateway import build_gateway
    from omniclaude_dagster.quorum.panel import STAGE

    gateway = build_gateway(settings)
    try:
        statuses = await gateway.status()
        return gateway.candidates(STAGE), statuses
    finally:
        await gateway.close()


def _seating(
    panel: "Panel", usable: "Sequence[str]", statuses: "Mapping[str, ModelStatus]", *, own: str | None
) -> dict[str, Any]:
    """Who would answer for each seat if every reachable model did; `own` is the model at OMNICLAUDE_MODEL_BASE_URL.

    As votes are asked for: a model votes once, and the heavier seat takes it before the lighter one.
    """
    from omniclaude_dagster.providers.directory import DEFAULT_MODEL
    from omniclaude_dagster.quorum.panel import resolved
    from omniclaude_dagster.quorum.tally import reaches

    ready = resolved(panel, usable=usable)
    answering: dict[str, str] = {}
    why_not: dict[str, str] = {}
    for seat in sorted(ready.seats, key=lambda s: -s.weight):
        problems = list(seat.skipped)
        for model in (own if m == DEFAULT_MODEL and own else m for m in seat.models):
            status = statuses.get(model)
            if model in answering.values():
                problems.append(f"{model} votes for another seat")
            elif status is None or not status.is_reachable:
                problems.append(f"{model}: {status.reason if status else 'nobody serves it'}")
            else:
                answering[seat.name] = model
                break
        else:
            why_not[seat.name] = "; ".join(problems) or "no model to ask"
    present = math.fsum(seat.weight for seat in panel.seats if seat.name in answering)
    participation = present / panel.total_weight if panel.seats else 0.0
    return {
        "panel": panel.name,
        "thresholds": vars(panel.thresholds),
        "total_weight": panel.total_weight,
        "seats": [
            {
                "name": seat.name,
                "weight": seat.weight,
                "models": list(seat.models),
                "answers_now": answering.get(seat.name),
                "why_not": why_not.get(seat.name, ""),
            }
            for seat in panel.seats
        ],
        "participation": round(participation, 4),
        "is_reached": bool(panel.seats) and reaches(participation, panel.thresholds.participation),
    }


def _proposal(panel: "Panel", settings: "Settings") -> dict[str, Any]:
    """The weights that follow from the records, and the lines of panel.yaml that a person can paste."""
    from omniclaude_dagster.benchmark.quorum_measure import KNOWN_FIRST
    from omniclaude_dagster.benchmark.quorum_records import outcomes_of
    from omniclaude_dagster.quorum.weights import learned_weights
    from omniclaude_dagster.records.repository import RecordsStore

    with contextlib.closing(RecordsStore(settings.records_url, settings.home_path / "spool")) as records:
        known = [vote for vote in records.known_votes() if vote.panel == panel.name]
    seats = {seat.name: seat for seat in panel.seats}
    votes = [outcome for outcome in outcomes_of(known) if outcome.seat in seats]
    if not votes:
        raise RequestError(f"the records hold no votes of the panel {panel.name} with known truth.", cure=KNOWN_FIRST)
    found = learned_weights(votes, panel)
    return {
        "panel": panel.name,
        "votes": len(votes),
        "seats": [{**asdict(seat), "outcomes": seat.outcomes} for seat in found],
        "yaml": [_line(seats[seat.seat], seat.proposed_weight) for seat in found],
    }


def _line(seat: "Seat", weight: float) -> str:
    """A seat as panel.yaml has it. A weight must be above 0 there: a seat that would get none is left out."""
    if round(weight, 2) <= 0:
        return f"# {seat.name}: no better than chance so far; leave it out"
    first, *others = seat.models
    fallbacks = f", fallbacks: [{', '.join(others)}]" if others else ""
    return f"- {{name: {seat.name}, model: {first}, weight: {weight:.2f}{fallbacks}}}"
