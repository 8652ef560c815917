"""Settings from the environment: a wrong one stops the start with its name and a cure, and no secret is shown."""

import os
from pathlib import Path

import pytest

from omniclaude_dagster.errors import ConfigurationError
from omniclaude_dagster.settings import Settings, load_settings, project_data_path, secret


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("OMNICLAUDE_")]:
        monkeypatch.delenv(name)


def test_without_any_variable_the_defaults_hold() -> None:
    settings = load_settings()
    assert settings.home_path == Path(".omniclaude").resolve()
    assert settings.records_url.startswith("sqlite:///")
    assert settings.model_base_url is None


def test_an_unknown_variable_is_named_with_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNICLAUDE_MODEL_BASEURL", "http://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="OMNICLAUDE_MODEL_BASEURL") as failure:
        load_settings()
    assert "OMNICLAUDE_MODEL_BASE_URL" in failure.value.cure
    assert failure.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OMNICLAUDE_MAX_CONCURRENCY", "-1"),
        ("OMNICLAUDE_MAX_CONCURRENCY", "0"),
        ("OMNICLAUDE_MAX_CONCURRENCY", "many"),
        ("OMNICLAUDE_SANDBOX_WORKERS", "1000"),
        ("OMNICLAUDE_STAGE_DEADLINE_S", "-5"),
        ("OMNICLAUDE_STAGE_DEADLINE_S", "nan"),
        ("OMNICLAUDE_MODEL_BASE_URL", "file:///etc/passwd"),
        ("OMNICLAUDE_MODEL_BASE_URL", "gopher://127.0.0.1"),
        ("OMNICLAUDE_MODEL_BASE_URL", "127.0.0.1:8000"),
        ("OMNICLAUDE_MODEL_BASE_URL", "http://"),
    ],
)
def test_a_wrong_value_is_named_at_the_start(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        load_settings()


def test_a_password_in_the_address_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNICLAUDE_MODEL_BASE_URL", "http://ada:pa55word@127.0.0.1:8000/v1")
    with pytest.raises(ConfigurationError, match="OMNICLAUDE_MODEL_API_KEY") as failure:
        load_settings()
    assert "pa55word" not in str(failure.value)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNICLAUDE_MODEL_API_KEY", "sk-s3cret-value")
    monkeypatch.setenv("OMNICLAUDE_DATABASE_URL", "postgresql://ada:pa55word@127.0.0.1/x")
    shown = f"{load_settings()!r} {load_settings().model_dump_json()}"
    assert "s3cret" not in shown
    assert "pa55word" not in shown


def test_an_empty_key_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_PROVIDER_KEY", "")
    assert secret("SOME_PROVIDER_KEY") is None
    monkeypatch.setenv("SOME_PROVIDER_KEY", "k")
    assert secret("SOME_PROVIDER_KEY") == "k"


def test_the_data_of_the_project_is_found() -> None:
    assert (project_data_path() / "templates/common/event_bus.py.jinja2").is_file()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().max_concurrency = 5  # type: ignore[misc]
