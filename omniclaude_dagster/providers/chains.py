"""Which models a stage asks, in which order: `model_configs/chains.yaml`, read strictly.

A chain says what is wanted; `Chains.resolve` says what is there, and names what was left out. Walking a chain is
`cascade.py`'s matter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from omniclaude_dagster.errors import ConfigurationError
from omniclaude_dagster.providers.catalog import MODEL_NAME_PATTERN, Catalog, load_catalog
from omniclaude_dagster.providers.directory import DEFAULT_MODEL
from omniclaude_dagster.providers.yaml_files import problems_of, read_mapping
from omniclaude_dagster.settings import Settings, project_data_path

CHAINS_FILE = "chains.yaml"
CHEAPEST_FIRST: Literal["cheapest first"] = "cheapest first"
StageName = Literal["prompt_parsing", "business_logic"]

_ModelName = Annotated[str, StringConstraints(pattern=MODEL_NAME_PATTERN)]
_ChainName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")]


class Chain(BaseModel):
    """The models of one chain, cheapest first, and how often each is tried."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    models: (
        Literal["cheapest first"] | Annotated[tuple[_ModelName, ...], Field(min_length=1, max_length=16, strict=False)]
    )
    tries_per_model: int = Field(3, ge=1, le=10)
    max_models: int = Field(16, ge=1, le=16)


_EVERY_MODEL = Chain(models=CHEAPEST_FIRST, max_models=3)


class _ChainsFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    default: Chain = _EVERY_MODEL
    stages: dict[StageName, Chain] = Field(default_factory=dict)
    chains: dict[_ChainName, Chain] = Field(default_factory=dict)


@dataclass(frozen=True)
class ResolvedChain:
    """What a stage really asks. `skipped` names each model of the chain that is left out, with the reason."""

    models: tuple[str, ...]
    tries_per_model: int
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chains:
    """All chains. `chosen` holds for every stage, whatever the file says.

    `has_own_host`: OMNICLAUDE_MODEL_BASE_URL is set. `hostless` are models of the catalog that live on no host of
    their own: only that host can serve them. `is_as_given`: nothing is left out, asking tells.
    """

    default: Chain = _EVERY_MODEL
    stages: Mapping[str, Chain] = field(default_factory=dict)
    named: Mapping[str, Chain] = field(default_factory=dict)
    chosen: Chain | None = None
    has_own_host: bool = False
    hostless: frozenset[str] = frozenset()
    is_as_given: bool = False

    def choosing(self, name: str) -> "Chains":
        """The same, but every stage uses the chain of this name. Raises ConfigurationError when there is none."""
        chain = self.named.get(name)
        if chain is None:
            known = ", ".join(sorted(self.named)) or "none"
            raise ConfigurationError(
                f"there is no chain {name!r} in {CHAINS_FILE}; it has {known}.",
                cure=f"name one of them, or add it to model_configs/{CHAINS_FILE}",
            )
        return replace(self, chosen=chain)

    def only(self, model: str, *, tries_per_model: int = 3) -> "Chains":
        """The same, but every stage asks this one model. Whether anybody serves it is found out by asking."""
        chain = Chain(models=(model,), tries_per_model=tries_per_model)
        return replace(self, chosen=chain, is_as_given=True)

    def for_stage(self, stage: str) -> Chain:
        """The chain of a stage, as it was written."""
        return self.chosen or self.stages.get(stage, self.default)

    def resolve(self, stage: str, *, usable: Sequence[str]) -> ResolvedChain:
        """The chain of a stage without what is not configured. `usable`: the gateway's candidates, cheapest first."""
        chain = self.for_stage(stage)
        if chain.models == CHEAPEST_FIRST:
            return ResolvedChain(tuple(usable)[: chain.max_models], chain.tries_per_model)
        kept = [name for name in chain.models if self._may_answer(name, usable)]
        skipped = tuple(f"{name} is left out: {self._why_left_out(name)}" for name in chain.models if name not in kept)
        return ResolvedChain(tuple(kept)[: chain.max_models], chain.tries_per_model, skipped)

    def _may_answer(self, name: str, usable: Sequence[str]) -> bool:
        if self.is_as_given or name in usable:
            return True
        return self.has_own_host and (name == DEFAULT_MODEL or name in self.hostless)

    def _why_left_out(self, name: str) -> str:
        if name == DEFAULT_MODEL:
            return "OMNICLAUDE_MODEL_BASE_URL is not set"
        return "no host" if name in self.hostless else "no key, no price in force, or not meant for this stage"


def load_chains(folder: Path, *, catalog: Catalog, has_own_host: bool = False) -> Chains:
    """Read `chains.yaml` of the catalog's folder; without one every stage asks the cheapest first.

    Raises ConfigurationError naming file, key and cure.
    """
    path = folder / CHAINS_FILE
    hostless = frozenset(name for name, entry in catalog.entries.items() if not entry.hosts)
    if not path.is_file():
        return Chains(has_own_host=has_own_host, hostless=hostless)
    document = read_mapping(path, hint="give it the keys default, stages and chains; see the shipped file")
    try:
        read = _ChainsFile.model_validate(document)
    except ValidationError as exc:
        raise ConfigurationError(
            f"{path}: {problems_of(exc)}.", cure="correct the keys named; the shipped file explains each"
        ) from None
    for key, chain in _with_keys(read):
        _check_models(chain, key=key, path=path, catalog=catalog)
    return Chains(
        default=read.default,
        stages={str(stage): chain for stage, chain in read.stages.items()},
        named=read.chains,
        has_own_host=has_own_host,
        hostless=hostless,
    )


def build_chains(settings: Settings) -> Chains:
    """The chains that the settings name. Raises ConfigurationError for a wrong file."""
    folder = settings.model_configs or project_data_path() / "model_configs"
    return load_chains(folder, catalog=load_catalog(folder), has_own_host=settings.model_base_url is not None)


def _with_keys(read: _ChainsFile) -> list[tuple[str, Chain]]:
    return [
        ("default", read.default),
        *((f"stages.{name}", chain) for name, chain in read.stages.items()),
        *((f"chains.{name}", chain) for name, chain in read.chains.items()),
    ]


def _check_models(chain: Chain, *, key: str, path: Path, catalog: Catalog) -> None:
    if chain.models == CHEAPEST_FIRST:
        return
    unknown = [name for name in chain.models if name != DEFAULT_MODEL and catalog.find(name) is None]
    if unknown:
        raise ConfigurationError(
            f"{path}: {key}.models: {', '.join(unknown)} is not in the model catalog.",
            cure=f"use {DEFAULT_MODEL} or one of {', '.join(sorted(catalog.entries))}",
        )
    twice = sorted({name for name in chain.models if chain.models.count(name) > 1})
    if twice:
        raise ConfigurationError(f"{path}: {key}.models: names {', '.join(twice)} twice.", cure="name each model once")
