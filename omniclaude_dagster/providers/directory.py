"""What a model's name means: a catalog entry, or what the host of OMNICLAUDE_MODEL_BASE_URL serves.

That host is bound to the catalog where its model is known there, so prices hold. A model that the catalog does not
know is taken as local and free only on a private network; on a public host it has no price, and so is not called.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from omniclaude_dagster.errors import ConfigurationError
from omniclaude_dagster.providers.catalog import MODEL_NAME_PATTERN, Catalog, ModelEntry, Price
from omniclaude_dagster.providers.errors import EmptyReplyError, UnknownModelError
from omniclaude_dagster.providers.hosts import checked_base_url, is_private_host

# Stands for "whatever the configured host serves first" until the host has been asked.
DEFAULT_MODEL = "default"
_UNLISTED_CONTEXT_WINDOW = 131_072

type ServedIds = Callable[[], Awaitable[tuple[str, ...]]]


@dataclass
class Directory:
    """Names and what they mean. `served_ids`, given to `entry_for`, asks the configured host; its answer is kept."""

    catalog: Catalog
    base_url: str | None = None
    model_name: str | None = None
    _served: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.base_url is None:
            return
        try:
            self.base_url = with_version(checked_base_url(self.base_url))
        except ValueError as exc:
            raise ConfigurationError(
                f"OMNICLAUDE_MODEL_BASE_URL: {exc}.", cure="give an address such as http://127.0.0.1:8000/v1"
            ) from None

    @property
    def default_name(self) -> str | None:
        """Name of the model at the configured host: as set, as found, or `default` while neither; None without one."""
        if self.base_url is None:
            return None
        return self._named(self.model_name or (self._served[0] if self._served else None) or DEFAULT_MODEL)

    def default_entry(self) -> ModelEntry | None:
        """Return the entry of the model at the configured host if its name is known already."""
        served = self.model_name or (self._served[0] if self._served else None)
        return None if self.base_url is None or served is None else self.bound(served)

    async def entry_for(self, name: str, *, served_ids: ServedIds) -> ModelEntry:
        """Return what a name means. Raises UnknownModelError, and whatever asking the host raises."""
        if self.base_url is None:
            return self._with_hosts(self.catalog.get(name))
        if name == DEFAULT_MODEL and self.model_name is None:
            return self.bound((await self._ask(served_ids))[0])
        if name == DEFAULT_MODEL or (self.model_name is not None and name in {self.model_name, self.default_name}):
            return self.bound(self.model_name or name)
        entry = self.catalog.find(name)
        if entry is not None and entry.hosts and name != self.default_name:
            return entry
        wanted = {name} | ({entry.remote_model} if entry is not None else set())
        served = next((i for i in await self._ask(served_ids) if i in wanted), None)
        if served is not None:
            return self.bound(served)
        return self._with_hosts(self.catalog.get(name))

    def forget_served(self) -> None:
        """Ask the host again next time: it may have been restarted with another model."""
        self._served = None

    def bound(self, served: str) -> ModelEntry:
        """Return the entry for a model that the configured host serves under this id."""
        base_url = self.base_url or ""
        is_private = is_private_host(base_url)
        known = self.catalog.find_served_as(served)
        if known is None:
            return ModelEntry(
                name=served,
                provider="openai_compatible",
                is_local=True,
                description="served by the configured host, not in the catalog",
                remote_model=served,
                context_window=_UNLISTED_CONTEXT_WINDOW,
                max_concurrency_per_host=64,
                capabilities=("json_schema",),
                prices=(_free(),) if is_private else (),
            ).model_copy(update={"hosts": (base_url,), "is_local": is_private})
        changes = {"hosts": (base_url,), "remote_model": served, "api_key_env": None, "provider": "openai_compatible"}
        # "Local and free" is a fact about our own machines; elsewhere the same weights cost money we do not know.
        unpriced = {} if is_private or not known.is_local else {"is_local": False, "prices": ()}
        return known.model_copy(update=changes | unpriced)

    async def _ask(self, served_ids: ServedIds) -> tuple[str, ...]:
        if self._served is None:
            served = tuple(i for i in await served_ids() if re.fullmatch(MODEL_NAME_PATTERN, i))
            if not served:
                raise EmptyReplyError(
                    f"the host {self.base_url} lists no model.", cure="set OMNICLAUDE_MODEL_NAME, or load a model there"
                )
            self._served = served
        return self._served

    def _named(self, served: str) -> str:
        known = self.catalog.find_served_as(served)
        return served if known is None else known.name

    def _with_hosts(self, entry: ModelEntry) -> ModelEntry:
        if entry.hosts:
            return entry
        raise UnknownModelError(
            f"model {entry.name!r} is in the catalog but lives on no host.",
            cure=f"add hosts to {entry.source_file or 'its entry'}, or serve it at OMNICLAUDE_MODEL_BASE_URL",
        )


def _free() -> Price:
    return Price.model_validate(
        {
            "effective_date": date(1970, 1, 1),
            "input_usd_per_million_tokens": "0",
            "output_usd_per_million_tokens": "0",
            "source": "on a private network and not in the catalog",
        }
    )


def with_version(base_url: str) -> str:
    """Add `/v1` to an OpenAI-compatible address that has no path, which is how people write them."""
    return base_url if urlsplit(base_url).path else f"{base_url}/v1"
