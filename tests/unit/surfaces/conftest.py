"""The command line inside the test's process, with a home of its own and a run that is a fake."""

import os
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from omniclaude_dagster.surfaces.cli.main import app
from tests.support.cli import FakeRun

Cli = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("OMNICLAUDE_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("OMNICLAUDE_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> FakeRun:
    fake = FakeRun()
    module = types.ModuleType("omniclaude_dagster.definitions")
    module.run_in_process = fake  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "omniclaude_dagster.definitions", module)
    return fake


@pytest.fixture
def cli(home: Path) -> Cli:
    def invoke(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=stdin)

    return invoke
