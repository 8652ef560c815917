"""One real sandbox for the tests of this folder, and the way to run a candidate's module in it."""

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.sandbox.model import SandboxJob, SandboxLimits, SandboxOutcome

PRELUDE = '''
import ctypes, errno, os, sys
LIBC = ctypes.CDLL(None, use_errno=True)

def attempt(action):
    """["done", value] or ["refused", name of the error]."""
    try:
        return ["done", repr(action())]
    except OSError as exc:
        return ["refused", errno.errorcode.get(exc.errno, str(exc.errno))]
    except BaseException as exc:
        return ["refused", type(exc).__name__]

def call(number, *arguments):
    """A raw system call of this architecture (x86_64)."""
    ctypes.set_errno(0)
    if LIBC.syscall(number, *arguments) == -1:
        return ["refused", errno.errorcode[ctypes.get_errno()]]
    return ["done", ""]
'''
Attack = Callable[..., SandboxOutcome]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[BubblewrapSandbox]:
    with BubblewrapSandbox(1) as made:
        reason = made.unavailable_reason()
        if reason is not None:
            pytest.skip(reason)
        yield made


@pytest.fixture
def attack(sandbox: BubblewrapSandbox) -> Attack:
    """Runs `main()` of a candidate's module; `attempt` and `call` are at its hand."""

    def run(source: str, *, files: dict[str, bytes] | None = None, **limits: float) -> SandboxOutcome:
        body = (PRELUDE + textwrap.dedent(source)).encode()
        job = SandboxJob(
            task="python",
            files={"candidate/attack.py": body, **(files or {})},
            arguments={"module": "candidate.attack"},
            limits=SandboxLimits(**{"wall_s": 15.0, **limits}),  # type: ignore[arg-type]
        )
        return sandbox.run(job)

    return run


@pytest.fixture(scope="session")
def golden() -> Path:
    folder = Path(__file__).resolve().parents[2] / ".." / "shared" / "golden"
    if not folder.is_dir():
        pytest.skip("the golden nodes are not beside this checkout")
    return folder.resolve()


def node_files(folder: Path) -> dict[str, bytes]:
    """The files of a node folder as a job carries them."""
    return {
        str(path.relative_to(folder.parent)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
