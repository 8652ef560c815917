"""Attacks on the sandbox. Each asserts how it was contained, not merely that it failed.

The same sources are never run outside the sandbox: there is no uncontained control here on purpose.
"""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.sandbox.model import SandboxJob, SandboxLimits
from tests.sandbox.conftest import Attack

pytestmark = pytest.mark.sandbox

X86_64_ONLY = pytest.mark.skipif(os.uname().machine != "x86_64", reason="raw system call numbers of x86_64")


def refused(name: str) -> list[str]:
    return ["refused", name]


ABSENT = {
    "read_shadow": "open('/etc/shadow').read()",
    "read_passwd": "open('/etc/passwd').read()",
    "read_init_environment": "open('/proc/1/environ').read()",
    "read_own_environment": "open('/proc/self/environ').read()",
    "write_core_pattern": "open('/proc/sys/kernel/core_pattern', 'w').write('|/job/x')",
    "read_zygote_memory": "open('/proc/1/mem', 'rb').read(1)",
    "read_sys": "os.listdir('/sys')",
    "list_run": "os.listdir('/run')",
    "list_shared_memory": "os.listdir('/dev/shm')",
    "open_disk": "open('/dev/vda', 'rb')",
    "open_terminal": "open('/dev/tty', 'rb')",
    "run_shell": "os.stat('/bin/sh')",
}


@pytest.mark.parametrize("action", ABSENT.values(), ids=ABSENT.keys())
def test_what_is_not_bound_is_not_there(attack: Attack, action: str) -> None:
    outcome = attack(f"def main(): return attempt(lambda: {action})")
    assert outcome.result == refused("ENOENT")


FORBIDDEN = {
    "fork": ("os.fork()", "EPERM"),
    "subprocess": ("__import__('subprocess').run(['/opt/bin/ruff'])", "EPERM"),
    "spawn": ("os.posix_spawn('/opt/bin/ruff', ['ruff'], {})", "EPERM"),
    "exec": ("os.execv('/opt/bin/ruff', ['ruff'])", "EPERM"),
    "tcp_socket": ("__import__('socket').socket()", "EPERM"),
    "unix_socket": ("__import__('socket').socket(__import__('socket').AF_UNIX)", "EPERM"),
    "raw_socket": ("__import__('socket').socket(17, 3)", "EPERM"),
    "signal_init": ("os.kill(1, 9)", "EPERM"),
    "signal_everybody": ("os.kill(-1, 9)", "EPERM"),
    "signal_group": ("os.killpg(0, 9)", "EPERM"),
    "become_root": ("os.setuid(0)", "EPERM"),
    "chroot": ("os.chroot('/tmp')", "EPERM"),
    "raise_limit": ("__import__('resource').setrlimit(7, __import__('resource').getrlimit(7))", "ValueError"),
    "renice": ("os.nice(-5)", "EPERM"),
    "memory_file": ("os.memfd_create('x')", "EPERM"),
    "extended_attribute": ("os.setxattr('/job', 'user.x', b'1')", "EPERM"),
    "own_signals_elsewhere": ("__import__('fcntl').fcntl(1, 8, 1)", "ENOSYS"),
    "type_into_terminal": ("__import__('fcntl').ioctl(0, 0x5412, b'x')", "ENOSYS"),
    "write_root": ("open('/x', 'w')", "EROFS"),
    "write_packages": ("open('/opt/site-packages/pytest/__init__.py', 'a')", "EROFS|EACCES"),
    "plant_pth": ("open('/opt/site-packages/evil.pth', 'w')", "EROFS"),
    "plant_sitecustomize": ("open('/opt/harness/sitecustomize.py', 'w')", "EROFS"),
    "change_harness": ("os.unlink('/opt/harness/child.py')", "EROFS"),
}


@pytest.mark.parametrize(("action", "error"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_what_the_kernel_forbids_is_refused(attack: Attack, action: str, error: str) -> None:
    outcome = attack(f"def main(): return attempt(lambda: {action})")
    assert outcome.result in [refused(name) for name in error.split("|")]


CALLS = {
    "vfork": (58, (), "EPERM"),
    "clone_process": (56, (17, 0, 0, 0, 0), "EPERM"),
    "clone_user_namespace": (56, (0x10000011, 0, 0, 0, 0), "EPERM"),
    "clone3": (435, (0, 0), "ENOSYS"),
    "mount": (165, (0, 0, 0, 0, 0), "EPERM"),
    "umount": (166, (0, 0), "EPERM"),
    "unshare": (272, (0x10000000,), "EPERM"),
    "setns": (308, (0, 0), "EPERM"),
    "pivot_root": (155, (0, 0), "EPERM"),
    "ptrace_init": (101, (16, 1, 0, 0), "EPERM"),
    "process_vm_readv": (310, (1, 0, 0, 0, 0, 0), "EPERM"),
    "process_vm_writev": (311, (1, 0, 0, 0, 0, 0), "EPERM"),
    "pidfd_open": (434, (1, 0), "EPERM"),
    "pidfd_getfd": (438, (0, 0, 0), "EPERM"),
    "bpf": (321, (0, 0, 0), "EPERM"),
    "perf_event_open": (298, (0, 0, 0, 0, 0), "EPERM"),
    "keyctl": (250, (0, 0, 0, 0, 0), "EPERM"),
    "add_key": (248, (0, 0, 0, 0, 0), "EPERM"),
    "io_uring_setup": (425, (1, 0), "EPERM"),
    "userfaultfd": (323, (0,), "EPERM"),
    "shmget": (29, (0, 4096, 0o1600), "EPERM"),
    "semget": (64, (0, 1, 0o1600), "EPERM"),
    "mq_open": (240, (0, 0, 0, 0), "EPERM"),
    "tkill_init": (200, (1, 9), "EPERM"),
    "tgkill_init": (234, (1, 1, 9), "EPERM"),
    "kernel_log": (103, (3, 0, 0), "EPERM"),
    "personality": (135, (0,), "EPERM"),
    "open_by_handle": (304, (0, 0, 0), "EPERM"),
    "seccomp": (317, (1, 0, 0), "EPERM"),
    "unknown_call": (9999, (), "ENOSYS"),
}


@X86_64_ONLY
@pytest.mark.parametrize(("number", "arguments", "error"), CALLS.values(), ids=CALLS.keys())
def test_a_raw_system_call_is_refused(attack: Attack, number: int, arguments: tuple[int, ...], error: str) -> None:
    outcome = attack(f"def main(): return call({number}, *{arguments!r})")
    assert outcome.result == refused(error)


@X86_64_ONLY
def test_a_system_call_of_another_architecture_kills_the_process(attack: Attack) -> None:
    outcome = attack("def main(): return call(0x40000000 + 39)")
    assert outcome.status == "crashed"
    assert "signal 31" in outcome.message


def test_no_secret_of_this_process_is_in_the_environment(attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNICLAUDE_MODEL_API_KEY", "a-secret")
    with BubblewrapSandbox(1) as started_with_a_secret:
        source = b"import os\ndef main(): return dict(os.environ)\n"
        job = SandboxJob(task="python", files={"c/a.py": source}, arguments={"module": "c.a"})
        outcome = started_with_a_secret.run(job)
    assert set(outcome.result) <= {
        "PWD", "LC_CTYPE", "HOME", "TMPDIR", "PATH", "LANG", "TZ",
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "PYTHONHASHSEED",
    }  # fmt: skip
    assert outcome.result["PYTHONHASHSEED"] == "0"
    assert "a-secret" not in str(outcome)


def test_host_files_are_invisible(attack: Attack, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("host secret")
    secret.chmod(0o644)
    project = Path(__file__).resolve().parents[2]
    paths = [str(secret), str(project / "pyproject.toml"), str(Path.home() / ".bashrc"), str(project / ".git")]
    outcome = attack(f"def main(): return [attempt(lambda p=p: os.stat(p)) for p in {paths!r}]")
    assert outcome.result == [refused("ENOENT")] * 4


@pytest.fixture
def listeners(tmp_path: Path) -> Iterator[tuple[int, str, str]]:
    """Host servers on TCP, an abstract and a file-system unix socket, which the candidate must not reach."""
    abstract = f"omniclaude-test-{os.getpid()}-{threading.get_ident()}"
    path = str(tmp_path / "s")
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as unix, socket.socket(socket.AF_UNIX) as named:
        tcp.bind(("127.0.0.1", 0))
        unix.bind("\0" + abstract)
        named.bind(path)
        for server in (tcp, unix, named):
            server.listen()
        yield tcp.getsockname()[1], abstract, path


def test_a_listener_on_the_host_cannot_be_reached(attack: Attack, listeners: tuple[int, str, str]) -> None:
    port, abstract, path = listeners
    outcome = attack(f"""
        import socket
        def main():
            pair, _ = socket.socketpair()
            return [
                attempt(lambda: socket.create_connection(("127.0.0.1", {port}), 1)),
                attempt(lambda: pair.connect("\\0{abstract}")),
                attempt(lambda: pair.connect({path!r})),
            ]
    """)
    assert outcome.result == [refused("EPERM")] * 3


def test_a_thread_bomb_stops_at_the_limit(attack: Attack) -> None:
    outcome = attack("""
        import threading, time
        def main():
            count = 0
            try:
                for _ in range(1000):
                    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
                    count += 1
            except RuntimeError:
                pass
            return count
    """)
    assert outcome.status == "ok"
    assert 8 < outcome.result < 64


def test_threads_left_behind_end_with_the_job(attack: Attack) -> None:
    left = attack("""
        import threading, time
        def main():
            threading.Thread(target=lambda: [time.sleep(0.1) or open("/tmp/alive", "a") for _ in range(600)]).start()
    """)
    assert left.status == "ok"
    after = attack("import time\ndef main():\n    time.sleep(0.5)\n    return os.listdir('/tmp')")
    assert after.result == []


def test_a_memory_bomb_meets_its_limit(attack: Attack) -> None:
    outcome = attack("def main(): return len([bytearray(64 * 1024**2) for _ in range(1000)])", memory_bytes=1024**3)
    assert outcome.status == "memory_limit"


def test_a_native_memory_bomb_meets_its_limit(attack: Attack) -> None:
    outcome = attack(
        """
        import mmap
        def main():
            kept = []
            while True:
                kept.append(mmap.mmap(-1, 64 * 1024**2))
                kept[-1][::4096] = b"x" * (64 * 256)
    """,
        memory_bytes=1024**3,
    )
    assert outcome.status in {"memory_limit", "error"}
    assert "allocate memory" in outcome.message or outcome.status == "memory_limit"


def test_an_endless_loop_that_ignores_signals_is_killed_on_time(attack: Attack) -> None:
    outcome = attack(
        """
        import signal
        def main():
            for number in range(1, 64):
                try: signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError): pass
            while True: pass
    """,
        wall_s=1.0,
    )
    assert outcome.status == "timeout"
    assert 900 < outcome.duration_ms < 4000


def test_processor_time_is_limited_too(attack: Attack) -> None:
    outcome = attack("def main():\n    while True: pass", cpu_s=1, wall_s=30.0)
    assert outcome.status == "timeout"
    assert "processor time" in outcome.message


def test_two_hundred_megabytes_of_output_are_cut_off(attack: Attack) -> None:
    outcome = attack("def main():\n    for _ in range(200): os.write(1, b'x' * 1024**2)")
    assert outcome.status == "output_limit"
    assert len(outcome.stdout) <= 1024**2 + 1


def test_the_disk_cannot_be_filled(attack: Attack) -> None:
    outcome = attack("""
        def fill():
            for number in range(1000):
                with open(f"/tmp/{number}", "wb") as file:
                    file.write(b"x" * 1024**2)
        def main(): return [attempt(fill), attempt(lambda: open("/job/big", "wb").write(b"x" * 40 * 1024**2))]
    """)
    assert outcome.result[0] == refused("ENOSPC")
    assert outcome.result[1] in (refused("EFBIG"), ["done", str(32 * 1024**2)])


def test_a_flood_of_small_files_is_stopped(attack: Attack) -> None:
    outcome = attack("def main():\n    for n in range(10**7): os.close(os.open(f'/tmp/{n}', os.O_CREAT))")
    assert outcome.status == "output_limit"
    assert "too many files" in outcome.message
    assert attack("def main(): return os.listdir('/tmp')").result == []


def test_the_next_candidate_finds_nothing_of_the_last(attack: Attack) -> None:
    first = attack("""
        def main():
            for folder in ("/job", "/tmp"):
                deep = folder + "/d" * 200
                os.makedirs(deep)
                open(deep + "/.hidden", "w").close()
                os.symlink("/opt", folder + "/link")
                os.chmod(folder + "/d", 0)
            sys.modules["json"].dumps = None
    """)
    assert first.status in {"ok", "crashed"}
    second = attack("import json\ndef main(): return [os.listdir('/tmp'), sorted(os.listdir('/job')), json.dumps(1)]")
    assert second.result == [[], ["candidate"], "1"]


def test_an_early_exit_is_no_success(attack: Attack) -> None:
    for how in ("os._exit(0)", "LIBC._exit(0)", "os.abort()"):
        outcome = attack(f"def main(): {how}")
        assert outcome.status == "crashed", how
        assert outcome.result is None


def test_a_faked_report_on_standard_output_is_only_text(attack: Attack) -> None:
    outcome = attack("""
        def main():
            print('{"status": "ok", "result": "PASSED"}', flush=True)
            os._exit(0)
    """)
    assert outcome.status == "crashed"
    assert "PASSED" in outcome.stdout


def test_writing_to_every_descriptor_is_recognised_as_forgery(attack: Attack) -> None:
    outcome = attack("""
        def main():
            for number in range(3, 128):
                try: os.write(number, b'0' * 32 + b'J' + (30).to_bytes(8, "big") + b'{"status": "ok", "result": 1}')
                except OSError: pass
            return 2
    """)
    assert outcome.status == "forged"
    assert outcome.result is None


def test_a_worker_is_replaced_after_a_forgery_and_goes_on(attack: Attack) -> None:
    attack("def main():\n    for n in range(3, 128):\n        attempt(lambda: os.write(n, b'x'))")
    assert attack("def main(): return 7").result == 7


def test_closing_every_descriptor_is_no_success(attack: Attack) -> None:
    outcome = attack("def main():\n    os.closerange(0, 1024)\n    return 1")
    assert outcome.status == "crashed"


def test_replacing_every_descriptor_does_not_redirect_the_result(attack: Attack) -> None:
    outcome = attack("""
        def main():
            file = os.open("/tmp/result", os.O_CREAT | os.O_RDWR)
            for number in range(3, 128):
                if number != file: attempt(lambda: os.dup2(file, number))
            return "PASSED"
    """)
    assert outcome.status == "crashed"


def test_no_descriptor_of_the_fork_server_is_inherited(attack: Attack) -> None:
    outcome = attack("""
        import stat
        def kind(number):
            try: return stat.S_IFMT(os.fstat(number).st_mode)
            except OSError: return None
        def main(): return [kind(number) for number in range(128) if kind(number) is not None]
    """)
    kinds = outcome.result
    assert 0o140000 not in kinds, "a socket"
    assert len(kinds) == 4


def test_a_link_to_a_host_file_leads_nowhere(attack: Attack) -> None:
    outcome = attack("""
        def main():
            os.symlink("/etc/shadow", "/job/result.json")
            return attempt(lambda: open("/job/result.json").read())
    """)
    assert outcome.result == refused("ENOENT")


def test_endless_recursion_is_an_error_or_a_crash_but_no_success(attack: Attack) -> None:
    assert attack("def main(): return main()").status == "error"
    endless = "def main():\n    sys.setrecursionlimit(10**9)\n    return (lambda f: f(f))(lambda f: f(f))"
    native = attack(endless, memory_bytes=768 * 1024**2, wall_s=5.0)
    assert native.status in {"crashed", "error", "memory_limit", "timeout"}
    assert native.result is None


def test_a_result_that_is_too_large_is_refused(attack: Attack) -> None:
    outcome = attack("def main(): return 'x' * (16 * 1024**2)")
    assert outcome.status == "output_limit"
    assert outcome.result is None


@pytest.mark.parametrize("value", ["float('nan')", "float('inf')", "object()", "{1, 2}"])
def test_a_result_that_is_no_json_is_an_error(attack: Attack, value: str) -> None:
    assert attack(f"def main(): return {value}").status == "error"


def test_a_huge_integer_result_does_not_hang_the_reader(attack: Attack) -> None:
    outcome = attack("def main():\n    sys.set_int_max_str_digits(0)\n    return 10**6000")
    assert outcome.status == "crashed"
    assert "JSON" in outcome.message


def test_a_deeply_nested_result_is_refused(attack: Attack) -> None:
    outcome = attack("""
        import json
        def main():
            json.dumps = lambda *a, **k: '{"status": "ok", "result": ' + "[" * 200000 + "]" * 200000 + "}"
    """)
    assert outcome.status == "crashed"


def test_files_cannot_shadow_the_standard_library_or_the_framework(attack: Attack) -> None:
    evil = b"raise SystemExit('shadowed')\n"
    names = ["json/__init__.py", "pydantic.py", "sitecustomize.py", "usercustomize.py", "conftest.py", "evil.pth"]
    outcome = attack("import json, pydantic\ndef main(): return pydantic.__file__", files=dict.fromkeys(names, evil))
    assert outcome.result == "/opt/site-packages/pydantic/__init__.py"


def test_exit_hooks_of_the_candidate_do_not_run(attack: Attack) -> None:
    outcome = attack("""
        import atexit
        def main():
            atexit.register(lambda: os.write(1, b"ran"))
            return 1
    """)
    assert (outcome.status, outcome.stdout) == ("ok", "")


def test_a_base_exception_cannot_skip_the_verdict(attack: Attack) -> None:
    assert attack("def main(): raise SystemExit(0)").status == "error"
    assert attack("def main(): raise KeyboardInterrupt").status == "error"
    assert attack("class E(Exception):\n    def __str__(self): raise E\ndef main(): raise E").status == "error"


FAILING_TEST = b"def test_x(): assert False\n"
SKIPPING_HOOK = b"""
import pytest
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    item.runtest = lambda: None
"""
DESELECTING_PLUGIN = b"def pytest_collection_modifyitems(items): items.clear()\n"
PYTEST_TRICKS = {
    "conftest": ({"p/tests/conftest.py": SKIPPING_HOOK}, FAILING_TEST),
    "ini": (dict.fromkeys(["p/pytest.ini", "pytest.ini"], b"[pytest]\naddopts = --co\n"), FAILING_TEST),
    "pyproject": ({"pyproject.toml": b"[tool.pytest.ini_options]\npython_functions='none'\n"}, FAILING_TEST),
    "variable": (
        {"p/plug.py": DESELECTING_PLUGIN},
        b"import os\nos.environ['PYTEST_ADDOPTS'] = '-p p.plug'\n" + FAILING_TEST,
    ),
    "exit": ({}, b"import os\ndef test_x():\n    print('1 passed')\n    os._exit(0)\n"),
}


@pytest.mark.parametrize(("files", "test"), PYTEST_TRICKS.values(), ids=PYTEST_TRICKS.keys())
def test_a_candidate_cannot_configure_its_failing_tests_away(
    sandbox: BubblewrapSandbox, files: dict[str, bytes], test: bytes
) -> None:
    package = {"p/__init__.py": b"", "p/tests/__init__.py": b"", "p/tests/test_x.py": test}
    outcome = sandbox.run(SandboxJob(task="run_tests", files={**package, **files}, arguments={"package": "p"}))
    if outcome.status == "ok":
        assert outcome.result["failed"] == 1
        assert outcome.result["passed"] == 0
    else:
        assert outcome.status == "crashed"


def test_a_patched_pytest_is_gone_with_its_process(sandbox: BubblewrapSandbox) -> None:
    patch = b"import _pytest.reports as r\nr.TestReport.failed = False\nr.TestReport.passed = True\n" + FAILING_TEST
    package = {"p/__init__.py": b"", "p/tests/__init__.py": b""}
    first = {**package, "p/tests/test_x.py": patch}
    sandbox.run(SandboxJob(task="run_tests", files=first, arguments={"package": "p"}))
    second = {**package, "p/tests/test_x.py": b"def test_x(): assert 0\n"}
    outcome = sandbox.run(SandboxJob(task="run_tests", files=second, arguments={"package": "p"}))
    assert outcome.result["failed"] == 1


TOOL_SETTINGS = {
    "mypy.ini": b"[mypy]\nignore_errors = True\nplugins = evil.py\n",
    "setup.cfg": b"[mypy]\nignore_errors = True\n",
    "ruff.toml": b"lint.select = []\n",
    "pyproject.toml": b"[tool.ruff]\nexclude = ['*']\n[tool.mypy]\nignore_errors = true\n",
    "evil.py": b"raise SystemExit('plugin ran')\n",
}


def test_settings_of_the_candidate_do_not_reach_the_linter(sandbox: BubblewrapSandbox) -> None:
    files = {"p/__init__.py": b"import os\n", **TOOL_SETTINGS, **{f"p/{n}": c for n, c in TOOL_SETTINGS.items()}}
    outcome = sandbox.run(SandboxJob(task="lint", files=files, arguments={"package": "p"}))
    assert "F401" in {issue["code"] for issue in outcome.result if issue["file"] == "p/__init__.py"}


def test_settings_of_the_candidate_do_not_reach_the_type_checker(sandbox: BubblewrapSandbox) -> None:
    files = {"p/__init__.py": b"x: int = 'text'\n", **TOOL_SETTINGS}
    job = SandboxJob(task="typecheck", files=files, arguments={"package": "p"}, limits=SandboxLimits(wall_s=60))
    outcome = sandbox.run(job)
    assert [error["code"] for error in outcome.result] == ["assignment"]


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "", "a\0b", "./a", "a//b", "n" * 2000])
def test_a_job_with_an_unsafe_file_name_is_refused(sandbox: BubblewrapSandbox, name: str) -> None:
    with pytest.raises(ValueError, match="unsafe file name"):
        sandbox.run(SandboxJob(task="python", files={name: b""}, arguments={"module": "x"}))


def test_a_comment_cannot_configure_the_type_checker(sandbox: BubblewrapSandbox) -> None:
    files = {"p/__init__.py": b"# mypy: ignore-errors\nx: int = 'text'\n"}
    job = SandboxJob(task="typecheck", files=files, arguments={"package": "p"}, limits=SandboxLimits(wall_s=60))
    assert "inline-config" in {error["code"] for error in sandbox.run(job).result}
