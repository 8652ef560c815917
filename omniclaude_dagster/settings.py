"""Typed settings; the only reader of the environment.

Every variable starts with `OMNICLAUDE_`; provider keys keep the names their vendors gave them and are
read through `secret()`, which never puts a value into an error.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from omniclaude_dagster.errors import ConfigurationError


class Settings(BaseSettings):
    """What a person can set. Unknown `OMNICLAUDE_*` variables are refused by `load_settings`."""

    model_config = SettingsConfigDict(env_prefix="OMNICLAUDE_", extra="ignore", frozen=True)

    home: Path = Field(
        Path(".omniclaude"), description="Folder of all state: database, Dagster home, inbox, artifacts."
    )
    database_url: SecretStr | None = Field(None, description="Records database; default: SQLite in the home folder.")
    model_base_url: str | None = Field(None, description="OpenAI-compatible host, for example http://127.0.0.1:8000/v1")
    model_name: str | None = Field(None, description="Model at model_base_url; default: the first it serves.")
    model_api_key: SecretStr | None = Field(None, description="Bearer token for model_base_url, if it wants one.")
    model_configs: Path | None = Field(None, description="Folder with the model catalog; default: the shipped one.")
    model_cache: Path | None = Field(None, description="Folder of the local model server and its model.")
    max_concurrency: int = Field(4, ge=1, le=64, description="Generations worked on at the same time in one run.")
    sandbox_workers: int = Field(2, ge=1, le=16, description="Warm sandboxes kept by one process.")
    dev_port: int = Field(3000, ge=1, le=65535, description="Port of the Dagster UI that `make dev` starts.")
    stage_deadline_s: float = Field(120.0, gt=0, le=3600, description="Longest time one model call may take in all.")

    embeddings_base_url: str | None = Field(
        None, description="OpenAI-compatible host for embeddings, for example a vLLM; default: the built-in model."
    )
    embeddings_model: str | None = Field(None, description="Model at embeddings_base_url.")
    embeddings_api_key: SecretStr | None = Field(None, description="Bearer token for embeddings_base_url.")
    pattern_index: Literal["auto", "embedded", "pgvector", "qdrant"] = Field(
        "auto", description="Where patterns are searched by meaning; auto: qdrant if it has a URL, else embedded."
    )
    qdrant_url: str | None = Field(None, description="Address of a Qdrant server, for example http://127.0.0.1:6333")
    qdrant_api_key: SecretStr | None = Field(None, description="Key for qdrant_url, if it wants one.")
    pattern_holdout_share: float = Field(
        0.1, ge=0, le=0.5, description="Share of requests that get no patterns, so that their use can be measured."
    )
    panel: str = Field("default", pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$", description="Panel of panel.yaml to ask.")

    @field_validator("model_base_url", "embeddings_base_url", "qdrant_url")
    @classmethod
    def _base_url_is_http(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None or value == "":
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an http:// or https:// address")
        if parts.username or parts.password:
            part = str(info.field_name).removesuffix("_url").removesuffix("_base").upper()
            raise ValueError(f"must not contain a user name or password; use OMNICLAUDE_{part}_API_KEY")
        return value.rstrip("/")

    @property
    def home_path(self) -> Path:
        """The home folder, absolute."""
        return self.home.expanduser().resolve()

    @property
    def inbox_path(self) -> Path:
        """Where request files are dropped."""
        return self.home_path / "inbox"

    @property
    def artifacts_path(self) -> Path:
        """Where nodes are delivered unless the request names another folder."""
        return self.home_path / "artifacts"

    @property
    def dagster_home_path(self) -> Path:
        """Dagster's instance folder."""
        return self.home_path / "dagster"

    @property
    def records_url(self) -> str:
        """SQLAlchemy URL of the records' database."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.home_path / 'records.sqlite3'}"

    @property
    def cache_path(self) -> Path:
        """The user's cache folder: what the next clone can use again."""
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return self.model_cache or base / "omniclaude"


def load_settings() -> Settings:
    """Read the environment. Raises ConfigurationError naming each wrong variable and what it accepts."""
    known = {f"OMNICLAUDE_{name}".upper() for name in Settings.model_fields}
    # Read by the programs in tools/, which run before this package can be imported.
    known.add("OMNICLAUDE_TORCH_INDEX")
    unknown = sorted(name for name in os.environ if name.startswith("OMNICLAUDE_") and name not in known)
    if unknown:
        raise ConfigurationError(
            f"unknown setting {', '.join(unknown)}.", cure=f"known settings are {', '.join(sorted(known))}"
        )
    try:
        return Settings()
    except ValidationError as exc:
        problems = "; ".join(f"OMNICLAUDE_{str(e['loc'][0]).upper()}: {e['msg']}" for e in exc.errors())
        raise ConfigurationError(f"wrong setting: {problems}.", cure="correct or unset the variable") from None


def secret(variable: str) -> str | None:
    """A provider's key from the environment, or None. The value never appears in errors or logs."""
    return os.environ.get(variable) or None


@lru_cache(maxsize=1)
def project_data_path() -> Path:
    """Folder holding `templates/` and `model_configs/`: inside the installed package, or the checkout's root."""
    package = Path(__file__).resolve().parent
    packaged = package / "_data"
    return packaged if packaged.is_dir() else package.parent
