"""`omniclaude pre-commit`: writes a configuration once, and never over another one."""

from pathlib import Path

import yaml

from tests.unit.surfaces.conftest import Cli


def test_a_configuration_with_local_hooks_is_written(cli: Cli, tmp_path: Path) -> None:
    done = cli("pre-commit", str(tmp_path))
    assert done.exit_code == 0
    document = yaml.safe_load((tmp_path / ".pre-commit-config.yaml").read_text())
    (local,) = document["repos"]
    assert local["repo"] == "local"
    assert {hook["id"] for hook in local["hooks"]} == {"ruff-check", "ruff-format", "omniclaude-gates"}


def test_an_existing_configuration_stays(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / ".pre-commit-config.yaml").write_text("mine")
    done = cli("pre-commit", str(tmp_path))
    assert done.exit_code != 0
    assert "--print" in done.stderr
    assert (tmp_path / ".pre-commit-config.yaml").read_text() == "mine"


def test_printing_writes_nothing(cli: Cli, tmp_path: Path) -> None:
    done = cli("pre-commit", str(tmp_path), "--print")
    assert "omniclaude gate-files" in done.stdout
    assert not (tmp_path / ".pre-commit-config.yaml").exists()


def test_a_folder_that_is_not_there_is_a_usage_error(cli: Cli, tmp_path: Path) -> None:
    assert cli("pre-commit", str(tmp_path / "none")).exit_code == 2
