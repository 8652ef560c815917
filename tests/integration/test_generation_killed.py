"""A generation killed with -9 in any stage leaves no half node, and the next run is as good as the first (row 44)."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from omniclaude_dagster.stages.model import STAGES

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]


def run(home: Path, stage: str, *, is_after_work: bool = False) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.support.kill_generation", str(home), stage],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT)} | ({"DIE_AFTER_THE_WORK": "1"} if is_after_work else {}),
    )


def nodes_below(home: Path) -> list[Path]:
    """Folders of nodes that a person would find, whole or not."""
    return [p.parent for p in home.rglob("node.py")]


def recorded(home: Path) -> list[tuple[str, str]]:
    if not (home / "records.sqlite3").exists():
        return []
    connection = sqlite3.connect(home / "records.sqlite3")
    try:
        return list(connection.execute("SELECT request_id, status FROM generations"))
    finally:
        connection.close()


@pytest.mark.parametrize("stage", [number for number, _ in STAGES])
def test_a_generation_killed_in_a_stage_leaves_nothing_half_and_the_next_run_publishes(
    stage: str, tmp_path: Path
) -> None:
    killed = run(tmp_path, stage)
    assert killed.returncode == -9, killed.stderr[-2000:]
    assert nodes_below(tmp_path) == []
    assert recorded(tmp_path) == []
    again = run(tmp_path, "none")
    assert (again.returncode, again.stdout.strip()) == (0, "published"), again.stderr[-2000:]
    (node,) = nodes_below(tmp_path)
    assert [p.name for p in node.parent.iterdir() if not p.name.startswith(".")] == [node.name]
    assert recorded(tmp_path) == [("killed-request", "published")]


def test_a_death_right_after_the_node_was_delivered_leaves_it_whole_and_is_counted_once(tmp_path: Path) -> None:
    killed = run(tmp_path, "5", is_after_work=True)
    assert killed.returncode == -9, killed.stderr[-2000:]
    (node,) = nodes_below(tmp_path)
    before = {p.relative_to(node): p.read_bytes() for p in node.rglob("*") if p.is_file()}
    assert {Path("node.py"), Path("logic.py"), Path("contract.yaml"), Path("node.manifest.yaml")} <= set(before)
    assert recorded(tmp_path) == []
    again = run(tmp_path, "none")
    assert again.stdout.strip() == "published", again.stderr[-2000:]
    assert len(nodes_below(tmp_path)) == 1
    assert recorded(tmp_path) == [("killed-request", "published")]


def test_the_control_without_a_kill_publishes(tmp_path: Path) -> None:
    """Otherwise the kills above could pass for another reason."""
    assert run(tmp_path, "none").stdout.strip() == "published"
