"""The local model's tooling, with a small stand-in program where vLLM would be: real processes, sockets and locks."""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tools import local_model, local_model_setup
from tools.local_model_common import Layout, LocalModelError, Progress, cache_folder, last_lines, server_environment
from tools.local_model_server import (
    ServerState,
    choose_port,
    is_healthy,
    is_our_process,
    orphans,
    process_identity,
    read_state,
    server_command,
    start,
    stop,
)
from tools.local_model_setup import ready_interpreter, recipe_id, run_logged, torch_command

_PROJECT = Path(__file__).resolve().parents[3]

# Takes vLLM's arguments, has a child like vLLM's engine, and answers /health unless told to misbehave.
_STAND_IN = """#!{python}
import http.server, subprocess, sys, time
from pathlib import Path
here = Path(__file__).parent
if (here / "must_die").exists():
    print("the stand-in has no memory left", flush=True)
    sys.exit(7)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
(here / "child.pid").write_text(str(child.pid))
if (here / "must_hang").exists():
    time.sleep(120)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()
    def log_message(self, *_):
        pass
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A finished set-up whose interpreter is the stand-in."""
    result = Layout(tmp_path / "cache")
    result.model.mkdir(parents=True)
    (result.model / "config.json").write_text("{}")
    program = tmp_path / "stand-in"
    program.write_text(_STAND_IN.format(python=sys.executable))
    program.chmod(0o755)
    result.stamp.write_text(json.dumps({"interpreter": str(program), "recipe": recipe_id()}))
    return result


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A state folder; whatever server it records is gone afterwards."""
    path = tmp_path / "state"
    yield path
    stop(path)


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process of somebody else, leader of its own group like a server."""
    command = [sys.executable, "-c", "import time; time.sleep(120)"]
    with subprocess.Popen(command, start_new_session=True) as process:
        yield process
        process.kill()


def _is_alive(pid: int) -> bool:
    return process_identity(pid) is not None


def _until_gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not _is_alive(pid)


def _child_pid(tmp_path: Path) -> int:
    return int((tmp_path / "child.pid").read_text())


def test_the_cache_folder_is_the_named_one_or_lies_in_the_users_cache(tmp_path: Path) -> None:
    assert cache_folder({"OMNICLAUDE_MODEL_CACHE": str(tmp_path / "m"), "XDG_CACHE_HOME": "/x"}) == tmp_path / "m"
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "omniclaude" / "vllm"
    assert cache_folder({}) == Path.home().resolve() / ".cache" / "omniclaude" / "vllm"


def test_the_server_listens_on_loopback_only_and_serves_the_converted_model(layout: Layout) -> None:
    command = server_command(layout, Path("/env/bin/python"), port=4711)
    pairs = dict(itertools.pairwise(command))
    assert command[0] == "/env/bin/python"
    assert pairs["--host"] == "127.0.0.1"
    assert pairs["--port"] == "4711"
    assert pairs["--model"] == str(layout.model)
    assert pairs["--served-model-name"] == "smollm2-135m"


def test_prompts_are_never_computed_in_chunks(layout: Layout) -> None:
    """With chunks one request with a `seed` ended the engine; without, a batch must hold the longest prompt."""
    command = server_command(layout, Path("python"), port=1)
    pairs = dict(itertools.pairwise(command))
    assert "--no-enable-chunked-prefill" in command
    assert int(pairs["--max-num-batched-tokens"]) >= int(pairs["--max-model-len"])


def test_the_server_gets_no_keys_of_its_parent(layout: Layout) -> None:
    parent = {"PATH": "/bin", "OPENAI_API_KEY": "secret", "OMNICLAUDE_DATABASE_URL": "secret", "VLLM_API_KEY": "secret"}
    variables = server_environment(parent, layout=layout)
    assert variables["PATH"] == "/bin"
    assert variables["HF_HUB_OFFLINE"] == "1"
    assert "secret" not in variables.values()


def test_a_taken_port_is_refused_and_a_free_one_is_found() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(LocalModelError, match=r"Port \d+ cannot be used.*Cure: pass another --port"):
            choose_port(taken.getsockname()[1])
        assert choose_port(None) != taken.getsockname()[1]


def test_the_identity_of_a_process_ends_with_it(bystander: subprocess.Popen[bytes]) -> None:
    identity = process_identity(bystander.pid)
    assert identity is not None
    assert identity == process_identity(bystander.pid)
    assert identity != process_identity(os.getpid())
    bystander.kill()
    bystander.wait()
    assert process_identity(bystander.pid) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"pid": 5}', '{"pid": 1, "identity": "x", "executable": "x", "port": 1}']
)
def test_a_broken_record_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "server.json").write_text(text)
    assert read_state(tmp_path) is None


@pytest.mark.parametrize("pid", [-1, 0, 1])
def test_a_record_that_names_a_group_or_init_counts_as_none(tmp_path: Path, pid: int) -> None:
    state = ServerState(pid=pid, identity="x", executable="x", port=1, log="x")
    (tmp_path / "server.json").write_text(json.dumps(asdict(state)))
    assert read_state(tmp_path) is None
    (tmp_path / "server.json").write_text(json.dumps(asdict(replace(state, pid=2))))
    assert read_state(tmp_path) is not None


def test_stop_leaves_a_foreign_process_with_the_recorded_pid_alone(
    folder: Path, bystander: subprocess.Popen[bytes]
) -> None:
    folder.mkdir()
    identity = str(process_identity(bystander.pid)) + "0"
    executable = str(Path(sys.executable).resolve())
    state = ServerState(pid=bystander.pid, identity=identity, executable=executable, port=1, log="")
    (folder / "server.json").write_text(json.dumps(asdict(state)))
    assert not is_our_process(state)
    assert not is_healthy(state)
    assert orphans(state) == []
    assert stop(folder) is False
    assert bystander.poll() is None
    assert read_state(folder) is None


def test_start_reuses_a_healthy_server_and_stop_ends_it_with_its_children(
    layout: Layout, folder: Path, tmp_path: Path
) -> None:
    first = start(layout, folder)
    child = _child_pid(tmp_path)
    assert is_healthy(first)
    assert start(layout, folder) == first
    assert _is_alive(child)
    assert stop(folder) is True
    assert _until_gone(first.pid)
    assert _until_gone(child)
    assert stop(folder) is False


def test_two_starts_at_once_make_one_server(layout: Layout, folder: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: start(layout, folder), range(2))
    assert first == second


def test_stop_ends_the_children_of_a_server_that_was_killed(layout: Layout, folder: Path, tmp_path: Path) -> None:
    state = start(layout, folder)
    child = _child_pid(tmp_path)
    os.kill(state.pid, signal.SIGKILL)
    assert _until_gone(state.pid)
    assert orphans(state) == [child]
    assert stop(folder) is True
    assert _until_gone(child)


def test_start_replaces_a_server_that_was_killed(layout: Layout, folder: Path, tmp_path: Path) -> None:
    dead = start(layout, folder)
    child = _child_pid(tmp_path)
    os.kill(dead.pid, signal.SIGKILL)
    assert _until_gone(dead.pid)
    living = start(layout, folder)
    assert living.pid != dead.pid
    assert is_healthy(living)
    assert not _is_alive(child)


def test_a_server_that_dies_while_starting_is_reported_with_the_end_of_its_log(
    layout: Layout, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "must_die").touch()
    with pytest.raises(LocalModelError, match=r"(?s)died while starting.*no memory left.*Cure: "):
        start(layout, folder)
    assert read_state(folder) is None


def test_a_server_that_never_answers_is_ended_after_the_deadline(layout: Layout, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "must_hang").touch()
    with pytest.raises(LocalModelError, match=r"did not answer within 1 s"):
        start(layout, folder, deadline_s=1.0)
    assert read_state(folder) is None
    assert _until_gone(_child_pid(tmp_path))


def test_start_without_setup_names_the_cure(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match=r"not set up.*make model"):
        start(Layout(tmp_path / "empty"), folder)


def test_a_start_that_is_killed_leaves_no_server(layout: Layout, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "must_hang").touch()
    command = [sys.executable, str(_PROJECT / "tools/local_model.py"), "start", "--state-dir", str(folder)]
    variables = {**os.environ, "OMNICLAUDE_MODEL_CACHE": str(layout.cache)}
    with subprocess.Popen(command, env=variables, stderr=subprocess.DEVNULL) as client:
        deadline = time.monotonic() + 10
        while not (tmp_path / "child.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        state = read_state(folder)
        client.terminate()
        assert client.wait(timeout=20) == 143
    assert state is not None
    assert _until_gone(state.pid)


def test_the_command_line_prints_the_variables_and_tells_states_apart_by_exit_code(
    layout: Layout, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    state_dir = ["--state-dir", str(folder)]
    monkeypatch.setenv("OMNICLAUDE_MODEL_CACHE", str(layout.cache / "elsewhere"))
    assert local_model.main(["status", *state_dir]) == 3
    monkeypatch.setenv("OMNICLAUDE_MODEL_CACHE", str(layout.cache))
    assert local_model.main(["status", *state_dir]) == 1
    capsys.readouterr()
    assert local_model.main(["start", *state_dir]) == 0
    state = read_state(folder)
    assert state is not None
    expected = f"OMNICLAUDE_MODEL_BASE_URL=http://127.0.0.1:{state.port}/v1\nOMNICLAUDE_MODEL_NAME=smollm2-135m\n"
    assert capsys.readouterr().out == expected
    assert local_model.main(["status", *state_dir]) == 0
    assert local_model.main(["stop", *state_dir]) == 0
    assert local_model.main(["status", *state_dir]) == 1


def test_a_setup_of_another_recipe_or_without_its_model_is_not_ready(layout: Layout) -> None:
    assert ready_interpreter(layout) is not None
    stamp = json.loads(layout.stamp.read_text())
    layout.stamp.write_text(json.dumps({**stamp, "recipe": "older"}))
    assert ready_interpreter(layout) is None
    layout.stamp.write_text(json.dumps(stamp))
    (layout.model / "config.json").unlink()
    assert ready_interpreter(layout) is None


def test_a_finished_setup_is_left_as_it_is(layout: Layout) -> None:
    before = layout.stamp.stat().st_mtime_ns
    assert local_model_setup.set_up(layout) == ready_interpreter(layout)
    assert layout.stamp.stat().st_mtime_ns == before


def test_torch_comes_from_the_named_index_or_from_pips_own() -> None:
    python = Path("python")
    assert "--index-url" not in torch_command(python, torch_index=None)
    named = torch_command(python, torch_index="https://wheels.example/cpu")
    assert named[named.index("--index-url") + 1] == "https://wheels.example/cpu"


@pytest.mark.parametrize(("cuda", "is_refused"), [("'13.0'", True), ("None", False)])
def test_a_cuda_build_of_torch_is_refused(tmp_path: Path, cuda: str, is_refused: bool) -> None:
    version = tmp_path / "lib" / "python3.11" / "site-packages" / "torch" / "version.py"
    version.parent.mkdir(parents=True)
    version.write_text(f"__version__ = '2.13.0'\ncuda: str | None = {cuda}\n")
    if is_refused:
        with pytest.raises(LocalModelError, match="OMNICLAUDE_TORCH_INDEX"):
            local_model_setup.check_torch_is_for_cpu(tmp_path)
    else:
        local_model_setup.check_torch_is_for_cpu(tmp_path)


def test_another_model_file_than_the_known_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF of somebody else")
    with pytest.raises(LocalModelError, match="has sha256"):
        local_model_setup.check_gguf(tmp_path / "model.gguf")


def test_a_failed_step_shows_the_end_of_its_output_and_a_cure_that_fits(tmp_path: Path) -> None:
    program = "import sys; print('OSError: No space left on device'); sys.exit(2)"
    with pytest.raises(LocalModelError, match=r"(?s)installing failed \(exit code 2\).*Cure: free some disk space"):
        run_logged(
            [sys.executable, "-c", program],
            log=tmp_path / "log",
            progress=Progress("test"),
            doing="installing",
            environment=dict(os.environ),
        )


def test_the_end_of_a_log_is_read_without_progress_bars(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"first\n10 %\r20 %\r30 %\n\nlast \xff\n")
    assert last_lines(tmp_path / "log", count=2) == ["30 %", "last \ufffd"]
    assert last_lines(tmp_path / "none", count=2) == []
