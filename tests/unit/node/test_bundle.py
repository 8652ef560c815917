"""What may be a file of a node: plain relative paths, small files, no links (fault rows 9, 13, 14, 15)."""

import os
from pathlib import Path

import pytest

from omniclaude_dagster.errors import RequestError, StorageError, UnsafePathError
from omniclaude_dagster.node.bundle import MAX_FILE_BYTES, MAX_FILES, NodeBundle, check_relative_path, read_bundle

HOSTILE_PATHS = [
    "../x.py", "a/../../x.py", "..", ".", "", "/etc/passwd", "//x", "a//b", "a/", "./a", "a/./b", "a\\b.py", "~/x",
    ".hidden", "a/.git/config", "-rf", "x\n.py", "x\x00.py", "x\r", "x ", " x", "x\u202ey.py", "\uff4eode.py", "é.py",
    "x" * 129, "a:b", "CON:", "x*", "x?", "$HOME", "{{x}}", "\U0001f680.py",
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_a_path_that_could_leave_the_folder_is_refused(path: str) -> None:
    with pytest.raises(UnsafePathError, match="not a plain relative path"):
        check_relative_path(path)
    with pytest.raises(UnsafePathError):
        NodeBundle("node_x_compute", {path: b""})


@pytest.mark.parametrize("path", ["node.py", "models/__init__.py", "a/b/c-d.e.txt", "README.md", "_x", "x" * 128])
def test_a_plain_path_is_accepted(path: str) -> None:
    assert NodeBundle("node_x_compute", {path: b"1"}).files[path] == b"1"


@pytest.mark.parametrize(
    "name", ["", "Node", "../x", "a-b", "a.b", "a b", "1a", "_a", "a\n", "a\x00", "/a", "é", "\uff41", "a" * 129]
)
def test_a_package_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UnsafePathError, match="package name"):
        NodeBundle(name)


def test_too_many_files_are_refused() -> None:
    NodeBundle("node_x", {f"f{n}": b"" for n in range(MAX_FILES)})
    with pytest.raises(UnsafePathError, match=f"{MAX_FILES + 1} files"):
        NodeBundle("node_x", {f"f{n}": b"" for n in range(MAX_FILES + 1)})


def test_the_hash_depends_on_names_paths_and_bytes_and_not_on_order() -> None:
    one = NodeBundle("node_x", {"a": b"1", "b": b"2"})
    assert one.sha256 == NodeBundle("node_x", {"b": b"2", "a": b"1"}).sha256
    others = [
        NodeBundle("node_y", {"a": b"1", "b": b"2"}),
        NodeBundle("node_x", {"a": b"2", "b": b"1"}),
        NodeBundle("node_x", {"a": b"1"}),
        one.with_files({"c": b""}),
    ]
    assert len({one.sha256, *(o.sha256 for o in others)}) == 5


def test_a_folder_is_read_without_its_caches(tmp_path: Path) -> None:
    root = tmp_path / "node_x_compute"
    (root / "__pycache__").mkdir(parents=True)
    (root / "__pycache__/node.cpython-312.pyc").write_bytes(b"x")
    (root / "node.py").write_bytes(b"y = 1\n")
    bundle = read_bundle(root)
    assert (bundle.package_name, dict(bundle.files)) == ("node_x_compute", {"node.py": b"y = 1\n"})
    assert list(bundle.python_files) == ["node.py"]


@pytest.mark.parametrize("target", ["/etc/hostname", "node.py", "nowhere"])
def test_a_link_in_a_node_folder_is_refused(target: str, tmp_path: Path) -> None:
    root = tmp_path / "node_x"
    root.mkdir()
    (root / "node.py").write_text("x = 1\n")
    (root / "link.py").symlink_to(target)
    with pytest.raises(UnsafePathError, match="symbolic link"):
        read_bundle(root)


def test_a_linked_folder_inside_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "node_x"
    root.mkdir()
    (root / "models").symlink_to(tmp_path)
    with pytest.raises(UnsafePathError, match="symbolic link"):
        read_bundle(root)


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    root = tmp_path / "node_x"
    root.mkdir()
    with (root / "node.py").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(RequestError, match="larger than"):
        read_bundle(root)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "absent"):
        with pytest.raises(RequestError, match="not a folder"):
            read_bundle(path)


def test_a_pipe_in_a_node_folder_is_left_out_and_never_opened(tmp_path: Path) -> None:
    root = tmp_path / "node_x"
    root.mkdir()
    os.mkfifo(root / "pipe.py")
    assert read_bundle(root).files == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_a_storage_error(tmp_path: Path) -> None:
    root = tmp_path / "node_x"
    root.mkdir()
    (root / "node.py").write_text("x = 1\n")
    (root / "node.py").chmod(0)
    with pytest.raises(StorageError, match="cannot be read"):
        read_bundle(root)
