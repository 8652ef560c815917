"""The enclosure's command line: what is bound, what is not, and what the filter forbids."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from omniclaude_dagster.sandbox import seccomp
from omniclaude_dagster.sandbox.isolation import Enclosure

PROJECT = Path(__file__).resolve().parents[3]


def command(*, is_root: bool, **folders: dict[Path, str]) -> list[str]:
    enclosure = Enclosure(bwrap=Path("/x/bwrap"), is_root=is_root, uid=64123, **folders)
    return enclosure.command(control_fd=7, status_fd=8)


def bound(arguments: list[str], option: str) -> dict[str, str]:
    return {arguments[number + 2]: arguments[number + 1] for number, name in enumerate(arguments) if name == option}


@pytest.mark.parametrize("is_root", [True, False])
def test_every_namespace_is_left_and_the_root_is_read_only(is_root: bool) -> None:
    arguments = command(is_root=is_root)
    wanted = {"--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"}
    assert wanted | {"--new-session", "--as-pid-1"} <= set(arguments)
    assert ("--remount-ro", "/") in pairwise(arguments)
    assert "--die-with-parent" not in arguments, "it follows the thread that started the worker"
    assert not {"--proc", "--dev", "--bind", "--share-net"} & set(arguments)


def test_root_gets_no_user_namespace_but_loses_its_privileges() -> None:
    arguments = command(is_root=True)
    assert "--unshare-user" not in arguments
    assert ("--cap-drop", "ALL") in pairwise(arguments)
    assert ("--reuid", "64123") in pairwise(arguments)
    assert {"--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--clear-groups"} <= set(arguments)


def test_a_user_gets_a_user_namespace_that_cannot_be_nested() -> None:
    arguments = command(is_root=False)
    assert {"--unshare-user", "--disable-userns"} <= set(arguments)
    assert "--cap-add" not in arguments


def test_nothing_of_the_home_the_project_or_etc_is_bound_but_what_runs() -> None:
    binds = bound(command(is_root=True), "--ro-bind")
    assert {inside for inside in binds if inside.startswith("/etc")} <= {"/etc/ld.so.cache"}
    assert not {"/", "/usr", "/etc", "/home", "/root", "/var", "/run", str(PROJECT), str(Path.home())} & set(
        binds.values()
    )
    ours = [Path(outside) for outside in binds.values() if outside.startswith(f"{PROJECT}/")]
    assert {path.name for path in ours} <= {"harness", "site-packages", "ruff"}


def test_folders_in_memory_have_a_size() -> None:
    arguments = command(is_root=True)
    sizes = [arguments[number - 1] for number, name in enumerate(arguments) if name == "--tmpfs"]
    assert len(sizes) == 2
    assert all(re.fullmatch(r"[0-9]+", size) for size in sizes)


def test_only_the_build_of_a_cache_may_write_it() -> None:
    folder = Path("/some/cache")
    assert bound(command(is_root=True, cached={folder: "mypy"}), "--ro-bind")["/opt/cache/mypy"] == str(folder)
    assert bound(command(is_root=True, writable={folder: "mypy"}), "--bind") == {"/opt/cache/mypy": str(folder)}


def test_the_filter_holds_a_place_for_the_process_id_and_differs_for_tools() -> None:
    for_python, for_tools = (seccomp.build_filter(may_execute=may) for may in (False, True))
    assert seccomp.PID_PLACEHOLDER.to_bytes(4, "little") in for_python
    assert for_python != for_tools
    assert len(for_python) % 8 == 0


def test_no_call_is_both_allowed_and_refused() -> None:
    allowed, refused = set(seccomp._ALLOWED.split()), set(seccomp._REFUSED.split())
    assert not allowed & refused
    assert not allowed & {"clone3", "execve", "memfd_create", "prlimit64", "kill"}
