"""Generated file nodes on a real disk: whole files only, nothing outside the root, and every failure has a name."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode as Code

from tests.support.effect_calls import perform, refused
from tests.support.generated_nodes import ImportedNode, imported_node

pytestmark = [pytest.mark.integration]

STORE = "EFFECT node called ReportFiles that writes, appends, reads, lists and deletes report files on disk"
Made = Callable[[str], AbstractContextManager[ImportedNode]]
OPERATIONS = ("write", "append", "read", "delete", "list")


@pytest.fixture
def node(tmp_path: Path) -> Made:
    return lambda prompt: imported_node(tmp_path, prompt)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def call(operation: str, path: str = "a.txt", **more: Any) -> dict[str, Any]:
    return {"operation": operation, "path": path, **more}


def test_every_operation_does_its_work(node: Made, root: Path) -> None:
    config = {"root": root}
    with node(STORE) as imported:
        perform(imported, config, call("write", "x/y/a.txt", content="héllo"))
        perform(imported, config, call("append", "x/y/a.txt", content="!"))
        perform(imported, config, call("append", "x/y/b.txt", content="new"))
        read = perform(imported, config, call("read", "x/y/a.txt"))
        listed = perform(imported, config, call("list", "x/y"))
        perform(imported, config, call("delete", "x/y/b.txt"))
        top = perform(imported, config, call("list", "."))
    assert (read["content"], read["size_bytes"]) == ("héllo!", 7)
    assert (listed["entries"], top["entries"]) == (["a.txt", "b.txt"], ["x"])
    assert [p.name for p in (root / "x/y").iterdir()] == ["a.txt"]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "out/x", "in/x", "filelink", "a/../../x", "a/../b", "dangling"]
)
def test_nothing_outside_the_root_or_behind_a_link_is_touched(
    operation: str, path: str, node: Made, root: Path, tmp_path: Path
) -> None:
    (root / "out").symlink_to(tmp_path)
    (root / "inside").mkdir()
    (root / "in").symlink_to(root / "inside")
    (tmp_path / "x").write_text("outside")
    (root / "filelink").symlink_to(tmp_path / "x")
    (root / "dangling").symlink_to(tmp_path / "new")
    with node(STORE) as imported:
        refused(imported, {"root": root}, call(operation, path, content="y"), Code.PERMISSION_DENIED)
    assert (tmp_path / "x").read_text() == "outside"
    assert not (tmp_path / "new").exists()


def test_a_path_that_is_none_is_refused(node: Made, root: Path) -> None:
    with node(STORE) as imported:
        refused(imported, {"root": root}, call("read", "a\0b"), Code.VALIDATION_ERROR)
        refused(imported, {"root": root}, call("read", "x" * 300), Code.FILE_OPERATION_ERROR)
        refused(imported, {"root": root}, call("read", "missing"), Code.FILE_NOT_FOUND)
        for operation in ("write", "append", "read", "delete"):
            refused(imported, {"root": root}, call(operation, "."), Code.FILE_OPERATION_ERROR)
    assert list(root.iterdir()) == []


def test_a_pipe_is_not_opened(node: Made, root: Path) -> None:
    os.mkfifo(root / "pipe")
    with node(STORE) as imported:
        for operation in ("write", "append", "read", "delete"):
            said = refused(imported, {"root": root}, call(operation, "pipe"), Code.FILE_OPERATION_ERROR)
            assert "is not a file" in said


def test_limits_hold_for_files_and_lists(node: Made, root: Path) -> None:
    config = {"root": root, "max_bytes": 10, "max_entries": 2}
    (root / "big").write_text("x" * 11)
    with node(STORE) as imported:
        refused(imported, config, call("read", "big"), Code.RESOURCE_ERROR)
        refused(imported, config, call("write", content="x" * 11), Code.VALIDATION_ERROR)
        perform(imported, config, call("write", content="x" * 6))
        refused(imported, config, call("append", content="x" * 5), Code.VALIDATION_ERROR)
        (root / "third").write_text("")
        refused(imported, config, call("list", "."), Code.RESOURCE_ERROR)
    assert (root / "a.txt").read_text() == "x" * 6


def test_an_append_that_is_repeated_is_done_once(node: Made, root: Path) -> None:
    with node(STORE) as imported:
        perform(imported, {"root": root}, call("write", content="one\n"))
        for _ in range(2):
            result = perform(imported, {"root": root}, call("append", content="two\n", at_size_bytes=4))
        said = refused(imported, {"root": root}, call("append", content="three\n", at_size_bytes=4), Code.INVALID_STATE)
    assert (root / "a.txt").read_text() == "one\ntwo\n"
    assert result["size_bytes"] == 8
    assert "somebody else" in said


def test_a_full_disk_leaves_the_old_file_and_no_leftovers(
    node: Made, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with node(STORE) as imported:
        perform(imported, {"root": root}, call("write", content="old"))
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            for operation in ("write", "append"):
                said = refused(imported, {"root": root}, call(operation, content="new"), Code.FILE_OPERATION_ERROR)
                assert "No space left" in said
    assert [(p.name, p.read_text()) for p in root.iterdir()] == [("a.txt", "old")]


@pytest.mark.parametrize("operation", ["write", "append"])
def test_a_process_that_dies_while_it_writes_leaves_the_old_file(operation: str, node: Made, root: Path) -> None:
    (root / "a.txt").write_text("old")
    with node(STORE) as imported:
        script = f"""
            import os, sys
            from pathlib import Path
            from {imported.blueprint.package_name}.logic import _perform
            from {imported.blueprint.package_name}.models import {imported.model("Config").__name__} as Config
            from {imported.blueprint.package_name}.models import {imported.model("Input").__name__} as Input
            os.fsync = lambda descriptor: os._exit(9)
            request = Input(path="a.txt", operation={operation!r}, content="new" * 1000)
            _perform(request, Config(root=Path({str(root)!r})))
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)],
            env={"PYTHONPATH": str(imported.root.parent), "PATH": os.defpath},
            check=False,
        )
        listed = perform(imported, {"root": root}, call("list", "."))
    assert done.returncode == 9
    assert (root / "a.txt").read_text() == "old"
    assert listed["entries"] == ["a.txt"]
