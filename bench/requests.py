"""`omniclaude generate --requests` with many requests, as a whole process: start-up, Dagster and records included.

    .venv/bin/python -m bench.requests [--nodes 40] [--json]

Mode fast, default settings, a home folder of its own that is removed afterwards. Bar: 60 nodes a minute on 2 cores.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.measuring import emit, note
from bench.workload import mixed_requests, write_jsonl
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox

NODES_PER_MINUTE_BAR = 60.0
_LIMIT_S = 1800


def measure(folder: Path, *, count: int) -> dict[str, Any]:
    """Run the command once and read what it printed."""
    requests = folder / "requests.jsonl"
    write_jsonl(mixed_requests(count), requests)
    program = Path(sys.executable).with_name("omniclaude")
    command = [str(program), "generate", "--requests", str(requests), "--json", "--quiet"]
    before, started = _children_cpu_s(), time.perf_counter()
    done = subprocess.run(
        command,
        env={**os.environ, "OMNICLAUDE_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    wall_s = time.perf_counter() - started
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    published = sum(result["status"] == "published" for result in results)
    return {
        "requests": count,
        "published": published,
        "exit_code": done.returncode,
        "stderr": done.stderr[-500:] if published < count else "",
        "wall_s": round(wall_s, 1),
        "cpu_s_each": round((_children_cpu_s() - before) / count, 3),
        "nodes_per_minute": round(published / wall_s * 60, 1),
        "cores": len(os.sched_getaffinity(0)),
    }


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the bar is met with every node published, 1 when not."""
    parser = argparse.ArgumentParser(prog="python -m bench.requests", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nodes", type=int, default=40, help="requests in the file (default: 40)")
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args(arguments)
    note("the type checker's cache, once a machine ...")
    with BubblewrapSandbox(1) as sandbox:
        sandbox.prepare_typecheck()
    note(f"omniclaude generate --requests with {options.nodes} requests ...")
    with tempfile.TemporaryDirectory(prefix="omniclaude-bench-") as folder:
        figures = measure(Path(folder), count=options.nodes)
    emit(figures, as_json=options.as_json)
    if not options.as_json:
        print(
            f"{figures['published']} of {figures['requests']} published in {figures['wall_s']} s: "
            f"{figures['nodes_per_minute']:.0f} nodes a minute, {figures['cpu_s_each']:.2f} processor seconds a node "
            f"on {figures['cores']} cores (bar: {NODES_PER_MINUTE_BAR:.0f} a minute)\n{figures['stderr']}"
        )
    is_met = figures["nodes_per_minute"] >= NODES_PER_MINUTE_BAR and figures["published"] == options.nodes
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
