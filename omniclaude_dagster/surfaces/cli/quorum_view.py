"""How the panel and proposed weights look to a person. Decides nothing."""

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from omniclaude_dagster.surfaces.cli.console import plain

_CURE = (
    "cure: omniclaude models names the key or the host that each model needs; "
    "OMNICLAUDE_PANEL=local lets the host at OMNICLAUDE_MODEL_BASE_URL review alone"
)


def panel_view(console: Console, document: Mapping[str, Any]) -> None:
    """The seats, who would answer for each, and whether that is enough."""
    table = _table("seat", "weight", "would answer now", "why not")
    for seat in document["seats"]:
        answer = plain(seat["answers_now"] or "nobody")
        table.add_row(plain(seat["name"]), f"{seat['weight']:g}", answer, plain(seat["why_not"]))
    console.print(Text(f"panel {plain(document['panel'])}", style="bold"))
    console.print(table)
    bounds = document["thresholds"]
    enough = "enough" if document["is_reached"] else "too little: mode strict would block everything"
    lines = [
        f"participation {document['participation']:.0%} of weight {document['total_weight']:g} "
        f"(needs {bounds['participation']:.0%}): {enough}",
        f"apply at {bounds['apply']:.2f}, suggest at {bounds['suggest']:.2f}, block below",
    ]
    if not document["is_reached"]:
        lines.append(_CURE)
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def weights_view(console: Console, document: Mapping[str, Any]) -> None:
    """What each seat's votes have been worth, the weight that follows, and the lines to paste."""
    table = _table("seat", "now", "proposed", "votes", "right/wrong", "accuracy", "balanced", "AUROC", "Brier", "why")
    for seat in document["seats"]:
        table.add_row(
            plain(seat["seat"]),
            f"{seat['present_weight']:.2f}",
            f"{seat['proposed_weight']:.2f}",
            str(seat["outcomes"]),
            f"{seat['right']}/{seat['wrong']}",
            _share(seat["accuracy"]),
            _share(seat["balanced_accuracy"]),
            _figure(seat["auroc"]),
            _figure(seat["brier"]),
            plain(seat["note"]),
        )
    console.print(Text(f"panel {plain(document['panel'])}: {document['votes']} votes with known truth", style="bold"))
    console.print(table)
    console.print(Text("nothing is changed. To apply it, put these lines under seats in panel.yaml:"))
    for line in document["yaml"]:
        console.print(Text(f"      {plain(line)}"), soft_wrap=True)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
