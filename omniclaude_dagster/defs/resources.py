"""What the ops are given: configuration held by Dagster, handed out as the plain objects of the platform.

Secrets are `EnvVar`: Dagster stores the variable's name. A key that is not in the environment has no resource, and
the models that need it are not usable, which `omniclaude models` says.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

import dagster as dg

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


class PlatformResource(dg.ConfigurableResourceFactory[GenerationSession]):
    """One platform a run, started when first used and closed at the end; the warm sandbox serves all of the run."""

    vllm: VLLMHost
    anthropic: CloudModel | None = None
    cloud_keys: dict[str, str] = {}

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[GenerationSession]:  # noqa: ARG002
        """Give the run's session."""
        settings = load_settings()
        models = self.vllm.gateway(_catalog(settings), keys=self.cloud_keys)
        with Platform(settings, models=models) as platform:
            session = GenerationSession(platform)
            try:
                yield session
            finally:
                session.release()
