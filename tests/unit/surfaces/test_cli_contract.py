"""`omniclaude contract check`: place, complaint and cure; JSON for machines; exit codes."""

from pathlib import Path

from tests.support.cli import objects_of
from tests.unit.contracts.test_contract_check import REDUCER
from tests.unit.surfaces.conftest import Cli


def test_the_command_prints_place_and_cure_and_ends_with_1(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(REDUCER.replace("initial_state: idle", "initial_state: x"))
    done = cli("contract", "check", str(tmp_path))
    assert done.exit_code == 1
    assert f"{path}:12:3:" in done.stdout
    assert "add the state" in done.stdout


def test_json_names_file_kind_and_findings_and_a_right_contract_ends_with_0(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(REDUCER)
    done = cli("contract", "check", str(path), "--json")
    assert done.exit_code == 0
    assert objects_of(done.stdout) == [{"file": str(path), "kind": "REDUCER", "is_valid": True, "findings": []}]


def test_of_several_files_one_wrong_one_decides(cli: Cli, tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.yaml", tmp_path / "wrong.yaml"
    right.write_text(REDUCER)
    wrong.write_text("name: [")
    done = cli("contract", "check", str(right), str(wrong))
    assert done.exit_code == 1
    assert "a valid REDUCER contract" in done.stdout
    assert "not YAML" in done.stdout


def test_a_file_that_is_not_there_is_a_usage_error(cli: Cli, tmp_path: Path) -> None:
    done = cli("contract", "check", str(tmp_path / "none.yaml"))
    assert done.exit_code == 2
    assert "there is no file" in done.stderr
