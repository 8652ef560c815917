"""What containment costs: a cold sandbox, then the same work inside it and in a bare Python process, in one run.

    .venv/bin/python -m bench.sandbox [--rounds 20] [--json]

The work: import a node of ours, build it, start it, process one input, stop it. Inside, that is the task
`execute_node` in a fresh process of a warm sandbox; the peer is a new Python that does the same and has to import the
framework first, which is what running a node without a sandbox takes. Both alternate, so that other work on the
machine falls on both alike. A bare process that already has the framework cannot be had without forking a warm one.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.gates import generated_nodes
from bench.measuring import cpu_seconds, emit, note, percentile, print_table, spread
from omniclaude_dagster.gates.registry import context_of
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.sandbox.model import SandboxJob
from omniclaude_dagster.settings import load_settings

_NOTHING = b"def main():\n    return 1\n"
_BARE = """
import asyncio, importlib, json, sys
from omnibase_core.models.compute.model_compute_input import ModelComputeInput
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
package, class_name, input_module, input_class = sys.argv[1:5]
node_class = getattr(importlib.import_module(f"{package}.node"), class_name)
model = getattr(importlib.import_module(f"{package}.models.{input_module}"), input_class)
async def live():
    node = node_class(ModelONEXContainer())
    await node.initialize()
    await node.process(ModelComputeInput(data=model(**json.loads(sys.argv[5]))))
    await node.cleanup()
asyncio.run(live())
"""


def measure(*, rounds: int) -> dict[str, Any]:
    """All figures. Raises SystemExit when there is no sandbox."""
    node = next(bundle for bundle in generated_nodes() if bundle.package_name.endswith("_compute"))
    settings = load_settings()
    started, cpu = time.perf_counter(), cpu_seconds()
    with BubblewrapSandbox(1, cache_path=settings.cache_path) as sandbox, tempfile.TemporaryDirectory() as folder:
        reason = sandbox.unavailable_reason()
        if reason is not None:
            raise SystemExit(f"there is no sandbox here: {reason}")
        cold_s, cold_cpu_s = time.perf_counter() - started, cpu_seconds() - cpu
        write(node, Path(folder))
        inside: list[float] = []
        outside: list[float] = []
        empty: list[float] = []
        for number in range(rounds + 1):
            taken = (in_sandbox(sandbox, node), bare(node, Path(folder)), nothing(sandbox))
            if number:  # the first round warms the caches of both
                for values, value in zip((inside, outside, empty), taken, strict=True):
                    values.append(value)
        note("type checks ...")
        checks = [type_check(sandbox, node) for _ in range(4)]
    return {
        "rounds": rounds,
        "cold_start_s": round(cold_s, 2),
        "cold_start_cpu_s": round(cold_cpu_s, 2),
        "sandboxed_ms": spread(inside),
        "bare_python_ms": spread(outside),
        "empty_task_ms": spread(empty),
        "ratio": round(percentile(inside, 0.5) / percentile(outside, 0.5), 3),
        "first_type_check_ms": round(checks[0], 1),
        "later_type_checks_ms": spread(checks[1:]),
    }


def write(bundle: NodeBundle, folder: Path) -> None:
    """The node as files below `folder`."""
    for path, content in bundle.files.items():
        target = folder / bundle.package_name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def in_sandbox(sandbox: BubblewrapSandbox, bundle: NodeBundle) -> float:
    """Milliseconds of one whole life of the node in the sandbox."""
    context = context_of(bundle, sandbox)
    arguments = {"package": context.package, "class_name": context.node_class, "kind": "COMPUTE"}
    job = SandboxJob("execute_node", context.folder_files, {**arguments, "samples": [*context.samples]})
    started = time.perf_counter()
    outcome = sandbox.run(job)
    taken = (time.perf_counter() - started) * 1000
    if outcome.status != "ok" or outcome.result["processed"][0]["outcome"] != "returned":
        raise SystemExit(f"the node did not run in the sandbox: {outcome}")
    return taken


def bare(bundle: NodeBundle, folder: Path) -> float:
    """Milliseconds of the same life in a new Python process without any containment."""
    context = context_of(bundle, BubblewrapSandbox(1))
    path = str(context.contract["input_model"]).split(".")
    arguments = [context.package, str(context.node_class), path[-2], path[-1], json.dumps(context.samples[0])]
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", _BARE, *arguments], cwd=folder, check=True, capture_output=True, timeout=120)
    return (time.perf_counter() - started) * 1000


def nothing(sandbox: BubblewrapSandbox) -> float:
    """Milliseconds of a task that does nothing: what the sandbox itself adds."""
    started = time.perf_counter()
    sandbox.run(SandboxJob("python", {"c/a.py": _NOTHING}, {"module": "c.a"}))
    return (time.perf_counter() - started) * 1000


def type_check(sandbox: BubblewrapSandbox, bundle: NodeBundle) -> float:
    """Milliseconds of one strict type check; the first one of a worker reads the libraries' types."""
    files = context_of(bundle, sandbox).folder_files
    started = time.perf_counter()
    outcome = sandbox.run(SandboxJob("typecheck", files, {"package": bundle.package_name}))
    if outcome.result != []:
        raise SystemExit(f"the node was not type-checked: {outcome}")
    return (time.perf_counter() - started) * 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.sandbox", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, help="times each way (default: 20)")
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args(arguments)
    figures = measure(rounds=options.rounds)
    emit(figures, as_json=options.as_json)
    if not options.as_json:
        print(f"cold start {figures['cold_start_s']} s ({figures['cold_start_cpu_s']} processor seconds)\n")
        rows = [(name, *figures[key].values()) for name, key in (
            ("node in the sandbox", "sandboxed_ms"), ("node in bare Python", "bare_python_ms"),
            ("empty task in the sandbox", "empty_task_ms"), ("later type checks", "later_type_checks_ms"),
        )]  # fmt: skip
        print_table(("milliseconds", "p50", "p95", "max"), rows)
        print(f"\nsandbox / bare Python {figures['ratio']}; a worker's first type check "
              f"{figures['first_type_check_ms']:.0f} ms")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
