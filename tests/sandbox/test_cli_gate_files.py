"""The pre-commit hook's command, on a generated node and on a broken copy of it."""

from pathlib import Path

import pytest

from omniclaude_dagster.surfaces.cli.gate_files import gate_files, node_folders
from tests.support.generated_nodes import bundle_for, write_bundle

pytestmark = pytest.mark.sandbox


def test_the_nearest_node_folder_of_each_file_is_judged_once(tmp_path: Path) -> None:
    root = write_bundle(bundle_for("Create COMPUTE node for pricing calculation"), tmp_path)
    files = [root / "node.py", root / "models" / "__init__.py", tmp_path / "elsewhere.py"]
    assert node_folders(files) == [root]


def test_files_of_no_node_are_fine(tmp_path: Path) -> None:
    assert gate_files([tmp_path / "elsewhere.py"]) == 0


def test_a_good_node_passes_and_a_broken_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OMNICLAUDE_HOME", str(tmp_path / "home"))
    root = write_bundle(bundle_for("Create COMPUTE node for pricing calculation"), tmp_path)
    assert gate_files([root / "logic.py"]) == 0
    logic = root / "logic.py"
    logic.write_text(logic.read_text().replace("data.unit_price", "data.unit_prize"))
    assert gate_files([logic]) == 1
    assert "G13 fail" in capsys.readouterr().err
