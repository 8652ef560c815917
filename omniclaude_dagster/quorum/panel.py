"""Who votes: `model_configs/panel.yaml`, read strictly, and resolved to the models that are configured.

A panel file says what is wanted; `resolved` says what is there, and each seat names what it lost. Asking the seats is
`voting.py`'s matter.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from omniclaude_dagster.errors import ConfigurationError
from omniclaude_dagster.providers.catalog import MODEL_NAME_PATTERN, Catalog, load_catalog
from omniclaude_dagster.providers.chains import Chain, Chains
from omniclaude_dagster.providers.directory import DEFAULT_MODEL
from omniclaude_dagster.providers.yaml_files import problems_of, read_mapping
from omniclaude_dagster.quorum.model import Panel, Seat, Thresholds
from omniclaude_dagster.settings import Settings, project_data_path

PANEL_FILE = "panel.yaml"
DEFAULT_PANEL = "default"
# The name of stage 5.5, as the catalog's `stages` and the gateway's candidates have it.
STAGE = "quorum_refinement"
_CURE = "correct the keys named; the shipped file explains each"

_ModelName = Annotated[str, StringConstraints(pattern=MODEL_NAME_PATTERN)]
_ShortName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")]
_Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _SeatEntry(_Strict):
    name: _ShortName
    model: _ModelName
    weight: float = Field(gt=0, le=1000, allow_inf_nan=False)
    fallbacks: Annotated[tuple[_ModelName, ...], Field(max_length=8, strict=False)] = ()


class _ThresholdsEntry(_Strict):
    apply: _Share = Thresholds.apply
    suggest: _Share = Thresholds.suggest
    participation: _Share = Thresholds.participation


class _PanelEntry(_Strict):
    seats: Annotated[tuple[_SeatEntry, ...], Field(min_length=1, max_length=32, strict=False)]
    thresholds: _ThresholdsEntry = _ThresholdsEntry()


class _PanelFile(_Strict):
    panels: dict[_ShortName, _PanelEntry]


def load_panel(folder: Path, *, name: str = DEFAULT_PANEL, catalog: Catalog, has_own_host: bool = False) -> Panel:
    """Read one panel from `panel.yaml` of the catalog's folder; every panel of the file is checked.

    A folder without the file has a default panel without seats: what does not ask a quorum works, and what does is
    blocked. Raises ConfigurationError naming file, key and cure.
    """
    path = folder / PANEL_FILE
    if not path.is_file() and name == DEFAULT_PANEL:
        return Panel(name, ())
    document = read_mapping(path, hint="give it the key panels; see the shipped file")
    try:
        read = _PanelFile.model_validate(document)
    except ValidationError as exc:
        raise ConfigurationError(f"{path}: {problems_of(exc)}.", cure=_CURE) from None
    for key, entry in read.panels.items():
        _check_panel(entry, where=f"{path}: panels.{key}", catalog=catalog)
    chosen = read.panels.get(name)
    if chosen is None:
        known = ", ".join(sorted(read.panels)) or "none"
        raise ConfigurationError(
            f"{path}: there is no panel {name!r}; it has {known}.",
            cure="set OMNICLAUDE_PANEL to one of them, or add it",
        )
    return Panel(
        name=name,
        seats=tuple(Seat(seat.name, seat.weight, (seat.model, *seat.fallbacks)) for seat in chosen.seats),
        thresholds=Thresholds(**chosen.thresholds.model_dump()),
        has_own_host=has_own_host,
        hostless=frozenset(known for known, entry in catalog.entries.items() if not entry.hosts),
    )


def build_panel(settings: Settings) -> Panel:
    """The panel that the settings name. Raises ConfigurationError for a wrong file."""
    folder = settings.model_configs or project_data_path() / "model_configs"
    has_own_host = settings.model_base_url is not None
    return load_panel(folder, name=settings.panel, catalog=load_catalog(folder), has_own_host=has_own_host)


def resolved(panel: Panel, *, usable: Sequence[str]) -> Panel:
    """The panel without what is not configured; a seat's `skipped` says why. `usable`: the gateway's candidates.

    A resolved panel stays as it is: it asks the same models again whatever is configured by then.
    """
    if panel.is_as_given:
        return panel
    chains = Chains(has_own_host=panel.has_own_host, hostless=panel.hostless)
    seats = tuple(_resolved_seat(seat, chains, usable) for seat in panel.seats)
    return replace(panel, seats=seats, is_as_given=True)


def _resolved_seat(seat: Seat, chains: Chains, usable: Sequence[str]) -> Seat:
    kept = replace(chains, chosen=Chain(models=seat.models)).resolve(STAGE, usable=usable)
    return replace(seat, models=kept.models, skipped=kept.skipped)


def _check_panel(entry: _PanelEntry, *, where: str, catalog: Catalog) -> None:
    names = [seat.name for seat in entry.seats]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"{where}.seats: names {', '.join(twice)} twice.", cure="name each seat once")
    if entry.thresholds.suggest > entry.thresholds.apply:
        raise ConfigurationError(
            f"{where}.thresholds: suggest is above apply.", cure="give suggest the lower of the two, or the same"
        )
    for number, seat in enumerate(entry.seats):
        _check_models((seat.model, *seat.fallbacks), where=f"{where}.seats.{number}", catalog=catalog)


def _check_models(models: Sequence[str], *, where: str, catalog: Catalog) -> None:
    unknown = [name for name in models if name != DEFAULT_MODEL and catalog.find(name) is None]
    if unknown:
        raise ConfigurationError(
            f"{where}: {', '.join(unknown)} is not in the model catalog.",
            cure=f"use {DEFAULT_MODEL} or one of {', '.join(sorted(catalog.entries))}",
        )
    twice = sorted({name for name in models if models.count(name) > 1})
    if twice:
        raise ConfigurationError(f"{where}: names {', '.join(twice)} twice.", cure="name each model of a seat once")
