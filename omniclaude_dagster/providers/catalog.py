"""The models we know: one strict YAML file each, with prices and the day each price came into force.

Not here: what a call costs (`pricing.py`), whether a model answers (`gateway.py`). Keys are named, never stored.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from omniclaude_dagster.errors import ConfigurationError
from omniclaude_dagster.providers.errors import UnknownModelError
from omniclaude_dagster.providers.hosts import checked_base_url, is_private_host
from omniclaude_dagster.providers.yaml_files import problems_of, read_mapping

Provider = Literal["openai_compatible", "gemini", "anthropic"]
Capability = Literal["json_schema", "json_object"]

# Live in the same folder and describe no model: the order in which models are asked, and the quorum's seats.
_NOT_A_MODEL = frozenset({"chains.yaml", "panel.yaml"})
# Hosts name models freely, vLLM by default after a folder.
MODEL_NAME_PATTERN = r"^[A-Za-z0-9._/@:+-]{1,200}$"
_MONEY = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,9})?")


def _money(value: object) -> Decimal:
    if not isinstance(value, str) or not _MONEY.fullmatch(value):
        raise ValueError('must be a decimal in quotes, for example "0.30"')
    return Decimal(value)


Money = Annotated[Decimal, BeforeValidator(_money)]
Names = Annotated[tuple[str, ...], Field(strict=False)]


class Price(BaseModel):
    """What a model costs from a day on, in USD per million tokens."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    effective_date: date
    input_usd_per_million_tokens: Money
    output_usd_per_million_tokens: Money
    source: str = Field("", description="Where the number was read.")

    @property
    def is_free(self) -> bool:
        """Whether both directions cost nothing."""
        return not self.input_usd_per_million_tokens and not self.output_usd_per_million_tokens


class ModelEntry(BaseModel):
    """One model: how to reach it, what it can do, what it costs. A local model without hosts is known, not usable."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str = Field(pattern=MODEL_NAME_PATTERN)
    provider: Provider
    is_local: bool
    description: str = ""
    hosts: Names = Field((), description="Base addresses; several hosts that serve the same model share its load.")
    remote_model: str = Field(min_length=1, max_length=200, description="What the host calls the model.")
    api_key_env: str | None = Field(None, pattern=r"^[A-Z][A-Z0-9_]{0,63}$", description="Name of a variable.")
    context_window: int = Field(ge=256, le=100_000_000, description="Tokens.")
    max_concurrency_per_host: int = Field(8, ge=1, le=256)
    capabilities: Annotated[tuple[Capability, ...], Field(strict=False)] = ()
    stages: Names = Field((), description="Stages that may use it; empty: all.")
    output_limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    is_temperature_settable: bool = True
    thinking_budget_tokens: int | None = Field(None, ge=0, le=65_536, description="Gemini only; 0 turns thinking off.")
    prices: Annotated[tuple[Price, ...], Field(strict=False)] = ()
    source_file: str = Field("", exclude=True, description="Set by the loader, for messages.")

    @field_validator("hosts")
    @classmethod
    def _hosts_are_acceptable(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        checked = tuple(checked_base_url(host) for host in hosts)
        if len(set(checked)) != len(checked):
            raise ValueError("names a host twice")
        return checked

    @model_validator(mode="after")
    def _prices_fit_the_place(self) -> "ModelEntry":
        if len({price.effective_date for price in self.prices}) != len(self.prices):
            raise ValueError("prices: two prices come into force on the same effective_date")
        if self.is_local:
            public = [host for host in self.hosts if not is_private_host(host)]
            if public:
                raise ValueError(f"hosts: is_local is true but {public[0]} is not on a private network")
            return self
        if not self.hosts:
            raise ValueError("hosts: a model that is not local needs at least one host")
        if any(price.is_free for price in self.prices):
            raise ValueError("prices: 0 is for models with is_local true; a cloud model without a price is an error")
        return self

    def is_allowed_for(self, stage: str) -> bool:
        """Whether the catalog lets this stage use the model."""
        return not self.stages or stage in self.stages


@dataclass(frozen=True)
class Catalog:
    """All entries by name."""

    entries: Mapping[str, ModelEntry]

    def find(self, name: str) -> ModelEntry | None:
        """Return the entry with this name, or None."""
        return self.entries.get(name)

    def find_served_as(self, model_id: str) -> ModelEntry | None:
        """Return the entry that an OpenAI-compatible host means by `model_id`: its name or its remote name."""
        if model_id in self.entries:
            return self.entries[model_id]
        return next((e for e in self.entries.values() if e.remote_model == model_id), None)

    def get(self, name: str) -> ModelEntry:
        """Return the entry with this name. Raises UnknownModelError."""
        entry = self.find(name)
        if entry is None:
            raise UnknownModelError(
                f"model {name!r} is not in the catalog and no configured host serves it.",
                cure=f"use one of {', '.join(sorted(self.entries))}, or add model_configs/{Path(name).name}.yaml",
            )
        return entry


def catalog_of(entries: Iterable[ModelEntry]) -> Catalog:
    """Build a catalog from entries. Raises ConfigurationError when a name appears twice."""
    by_name: dict[str, ModelEntry] = {}
    for entry in entries:
        if entry.name in by_name:
            raise ConfigurationError(
                f"model {entry.name!r} is described by {by_name[entry.name].source_file or 'one entry'} "
                f"and again by {entry.source_file or 'another'}.",
                cure="give one of them another name",
            )
        by_name[entry.name] = entry
    return Catalog(entries=by_name)


def load_catalog(folder: Path) -> Catalog:
    """Read every `*.yaml` of the folder. Raises ConfigurationError naming file, key and cure."""
    if not folder.is_dir():
        raise ConfigurationError(
            f"the model catalog {folder} is not a folder.", cure="set OMNICLAUDE_MODEL_CONFIGS to one, or unset it"
        )
    files = sorted(path for path in folder.glob("*.yaml") if path.name not in _NOT_A_MODEL)
    return catalog_of(_load_entry(path) for path in files)


def _load_entry(path: Path) -> ModelEntry:
    document = read_mapping(path, hint="start from another file of the model catalog; one model a file")
    if "source_file" in document:
        raise ConfigurationError(f"{path}: source_file: is not a key of the catalog.", cure="remove it")
    try:
        return ModelEntry.model_validate({**document, "source_file": path.name})
    except ValidationError as exc:
        raise ConfigurationError(f"{path}: {problems_of(exc)}.", cure="correct the keys named, see README") from None
