"""What is generated is frozen byte for byte, and what is frozen is clean, typed and tested.

After an intended change: `python -m tests.golden.update`, then read the diff.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.golden.cases import CASES, TREES, files_of, rendered, tree_of

TOOLS = Path(sys.executable).parent
PACKAGES = {case: next((TREES / case).glob("node_*")).name for case in CASES}


def run(command: Sequence[str | Path], *, cwd: Path, **environment: str) -> str:
    """Run a tool; its output, or a failure that shows it."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={"PATH": os.defpath, "LANG": "C.UTF-8", **environment},
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture
def all_nodes(tmp_path: Path) -> Path:
    """A folder with every golden node beside the others, and nothing of this project's configuration."""
    for case, package in PACKAGES.items():
        shutil.copytree(TREES / case / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize("case", sorted(CASES))
def test_a_node_is_rendered_as_it_is_kept(case: str) -> None:
    kept, new = tree_of(case), files_of(rendered(case))
    assert sorted(new) == sorted(kept)
    for path, content in new.items():
        assert content.decode() == kept[path].decode(), f"{path}: python -m tests.golden.update, then read the diff"


def test_no_tree_is_left_over() -> None:
    assert {p.name for p in TREES.iterdir()} == set(CASES)
    assert len(set(PACKAGES.values())) == len(CASES)


def test_rendering_twice_gives_the_same_bytes() -> None:
    assert rendered("reducer").sha256 == rendered("reducer").sha256


def test_a_changed_byte_is_noticed() -> None:
    bundle = rendered("compute")
    changed = bundle.with_files({"README.md": bundle.files["README.md"] + b" "})
    assert files_of(changed) != tree_of("compute")


def test_every_tree_is_formatted_and_lint_clean(all_nodes: Path) -> None:
    options = ("--isolated", "--line-length", "120", "--target-version", "py312", "--no-cache")
    run([TOOLS / "ruff", "format", "--check", *options, "."], cwd=all_nodes)
    rules = "E,F,I,B,UP,SIM,RET,RUF,C90,PERF,D1,BLE"
    # Magic methods and __init__ are described by their class, tests by their names; a sample is data on one line.
    per_file = ["*/tests/test_node.py:E501"]
    ignored = ["--ignore", "D103,D105,D107", "--per-file-ignores", *per_file]
    run([TOOLS / "ruff", "check", *options, "--select", rules, *ignored, "."], cwd=all_nodes)


def test_every_tree_is_typed_strictly(all_nodes: Path) -> None:
    options = ("--strict", "--config-file", os.devnull, "--cache-dir", str(all_nodes / ".cache"), "--python-executable")
    packages = [part for package in PACKAGES.values() for part in ("-p", package)]
    output = run([TOOLS / "mypy", *options, sys.executable, *packages], cwd=all_nodes)
    assert "Success" in output


def test_every_tree_passes_its_own_tests(all_nodes: Path) -> None:
    output = run(
        [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", "-rxX", "."],
        cwd=all_nodes,
        PYTHONPATH=str(all_nodes),
        HOME=str(all_nodes),
    )
    summary = output.strip().splitlines()[-1]
    assert "passed" in summary
    # The scaffold says what is missing by exactly one test that is expected to fail.
    assert "1 xfailed" in summary
