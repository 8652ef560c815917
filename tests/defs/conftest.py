"""A warm sandbox and a home folder of each test's own; Dagster's instance in it is real."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from omniclaude_dagster.defs.instance import open_instance
from omniclaude_dagster.defs.session import GenerationSession
from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.settings import Settings
from tests.defs.requests import NoSandbox


@pytest.fixture(scope="session")
def warm_sandbox() -> Iterator[BubblewrapSandbox]:
    with BubblewrapSandbox(2) as sandbox:
        reason = sandbox.unavailable_reason()
        if reason:
            pytest.skip(f"no sandbox: {reason}")
        yield sandbox


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    """Executes nothing, so nodes are at most needs_review; fast."""
    with Platform(settings, sandbox=NoSandbox()) as platform:
        yield platform


@pytest.fixture
def session(platform: Platform) -> Iterator[GenerationSession]:
    session = GenerationSession(platform)
    yield session
    session.close()


@pytest.fixture
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    with open_instance(settings) as instance:
        yield instance
