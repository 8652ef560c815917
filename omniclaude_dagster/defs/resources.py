"""What the ops are given: configuration held by Dagster, handed out as the plain objects of the platform.

Secrets are `EnvVar`: Dagster stores the variable's name. A key that is not in the environment has no resource, and
the models that need it are not usable, which `omniclaude models` says.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import dagster as dg
from pydantic import create_model

from omniclaude_dagster.defs.session import GenerationSession
from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.providers.catalog import Catalog, load_catalog
from omniclaude_dagster.providers.gateway import HttpModelGateway
from omniclaude_dagster.providers.model import ModelGateway
from omniclaude_dagster.settings import Settings, load_settings, project_data_path, secret


class VLLMHost(dg.ConfigurableResource):  # type: ignore[type-arg]
    """An OpenAI-compatible host of one's own, usually vLLM. Without a base address only the catalog's hosts exist."""

    base_url: str | None = None
    model_name: str | None = None
    api_key: str | None = None

    def gateway(self, catalog: Catalog, *, keys: Mapping[str, str] | None = None) -> ModelGateway:
        """The door to this host and to the catalog's models; `keys` holds the clouds' keys by variable name."""
        found = dict(keys or {})
        return HttpModelGateway(
            catalog,
            model_base_url=self.base_url or None,
            model_name=self.model_name or None,
            model_api_key=self.api_key or None,
            read_secret=found.get,
        )


class CloudModel(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Access to the cloud models that share one key. `variable` is the name that the catalog knows the key by."""

    variable: str
    api_key: str

    def gateway(self, catalog: Catalog) -> ModelGateway:
        """The door to the catalog with this key alone."""
        return VLLMHost().gateway(catalog, keys={self.variable: self.api_key})


class PlatformResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """One platform a run, started when first used and closed at the end; its warm sandbox serves all of the run.

    `model_resources` gives this class with one further field for each cloud key.
    """

    vllm: VLLMHost

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[GenerationSession]:  # noqa: ARG002
        """Give the run's session, a plain object."""
        settings = load_settings()
        models = self.vllm.gateway(_catalog(settings), keys=self.cloud_keys())
        with Platform(settings, models=models) as platform, closing(GenerationSession(platform)) as session:
            yield session

    def cloud_keys(self) -> dict[str, str]:
        """Keys by the names of their variables."""
        fields = (getattr(self, name) for name in type(self).model_fields)
        return {field.variable: field.api_key for field in fields if isinstance(field, CloudModel)}


def model_resources(settings: Settings) -> dict[str, object]:
    """The host, one `CloudModel` for each key that is set, and the platform that uses them."""
    variables = {entry.api_key_env for entry in _catalog(settings).entries.values() if entry.api_key_env}
    clouds = {
        f"cloud_{variable.lower()}": CloudModel(variable=variable, api_key=dg.EnvVar(variable))
        for variable in sorted(variables)
        if secret(variable)
    }
    host = VLLMHost(
        base_url=settings.model_base_url,
        model_name=settings.model_name,
        api_key=dg.EnvVar("OMNICLAUDE_MODEL_API_KEY") if settings.model_api_key else None,
    )
    fields: dict[str, Any] = {name: (CloudModel, ...) for name in clouds}
    platform_class = create_model("PlatformResource", __base__=PlatformResource, **fields)
    return {"vllm_host": host, **clouds, "platform": platform_class(vllm=host, **clouds)}


def _catalog(settings: Settings) -> Catalog:
    return load_catalog(settings.model_configs or project_data_path() / "model_configs")
