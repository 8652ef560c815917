"""What Dagster costs: one generation as a library, as the in-process job, and on Dagster's default executor.

    python -m bench.dagster_overhead [--repeat 7] [--processes 1] [--json]

Mode fast, warm sandbox, everything in one run on the same request, home folder below the temporary folder. The default
executor runs each op in a process of its own, so the states travel through files there.
"""

import argparse
import asyncio
import copyreg
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

import dagster as dg

from omniclaude_dagster.defs.assembly import build_defs
from omniclaude_dagster.defs.generation import generated_node
from omniclaude_dagster.defs.in_process import run_in_process
from omniclaude_dagster.defs.instance import open_instance, prepare_home
from omniclaude_dagster.defs.partitions import JOB_NAME, REQUESTS, range_tags
from omniclaude_dagster.gates.context import OnceStore
from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.request.intake import request_from_mapping
from omniclaude_dagster.request.model import AcceptedRequest
from omniclaude_dagster.settings import Settings, load_settings

MAX_OVERHEAD_S = 1.0
MIN_RATIO = 10.0
PROMPT = "Create EFFECT node for PostgreSQL writes"


def multiprocess_job() -> dg.JobDefinition:
    """The same ops on the default executor, with states on disk. Built anew in each step's process."""
    # What the sandbox has said about a bundle holds locks; a step in another process asks again.
    copyreg.pickle(OnceStore, lambda _store: (OnceStore, ()))
    settings = load_settings()
    files = dg.FilesystemIOManager(base_dir=str(settings.home_path / "values"))
    resources = build_defs(settings=settings, resource_overrides={"io_manager": files}).resources
    job = dg.define_asset_job(JOB_NAME, selection=[generated_node], executor_def=dg.multiprocess_executor)
    return dg.Definitions(assets=[generated_node], jobs=[job], resources=resources).resolve_job_def(JOB_NAME)


def main() -> int:
    """Measure and print. Returns 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=7, help="generations a variant (library and in process)")
    parser.add_argument("--processes", type=int, default=1, help="generations on the default executor")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="omniclaude-bench-") as home:
        # The steps of the default executor are processes that read the environment.
        os.environ["OMNICLAUDE_HOME"] = home
        os.environ["DAGSTER_HOME"] = str(prepare_home(load_settings()))
        figures = _measure(load_settings(), repeat=given.repeat, processes=given.processes)
    print(json.dumps(figures) if given.json else _shown(figures))
    is_met = figures["overhead_s"] <= MAX_OVERHEAD_S and figures["default_executor_ratio"] >= MIN_RATIO
    return 0 if is_met else 1


def _measure(settings: Settings, *, repeat: int, processes: int) -> dict[str, float]:
    request = AcceptedRequest("bench", request_from_mapping({"prompt": PROMPT, "mode": "fast"}), "library")
    library: list[float] = []
    in_process: list[float] = []
    with Platform(settings) as platform:
        # Not counted: the sandbox starts, the instance makes its databases, modules are imported.
        asyncio.run(platform.generate(request))
        first_s = _timed(lambda: run_in_process([request], settings=settings, platform=platform))
        for _ in range(repeat):
            library.append(_timed(lambda: asyncio.run(platform.generate(request))))
            in_process.append(_timed(lambda: run_in_process([request], settings=settings, platform=platform)))
    default = [_timed(lambda: _run_default(settings, request)) for _ in range(processes)]
    overheads = [job - alone for job, alone in zip(in_process, library, strict=True)]
    return {
        "library_s": round(statistics.median(library), 3),
        "in_process_s": round(statistics.median(in_process), 3),
        "overhead_s": round(statistics.median(overheads), 3),
        "overhead_max_s": round(max(overheads), 3),
        "in_process_first_s": round(first_s, 3),
        "default_executor_s": round(statistics.median(default), 3),
        "default_executor_ratio": round(statistics.median(default) / statistics.median(in_process), 1),
    }


def _run_default(settings: Settings, request: AcceptedRequest) -> None:
    with open_instance(settings) as instance:
        instance.add_dynamic_partitions(REQUESTS.name or "", [request.request_id])
        ended = dg.execute_job(
            dg.reconstructable(multiprocess_job), instance=instance, tags=range_tags([request.request_id])
        )
        if not ended.success:
            raise RuntimeError("the generation on the default executor failed; its messages are above")


def _timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _shown(figures: dict[str, float]) -> str:
    first, worst = figures["in_process_first_s"], figures["overhead_max_s"]
    rows = (
        ("library", "library_s", "s", "median"),
        ("job in process", "in_process_s", "s", f"median; the first one, which makes the databases: {first} s"),
        ("  over the library", "overhead_s", "s", f"bar: at most {MAX_OVERHEAD_S} s; worst {worst} s"),
        ("default executor", "default_executor_s", "s", "the same ops, each in a process"),
        ("  against the job in process", "default_executor_ratio", "x", f"bar: at least {MIN_RATIO:.0f} x"),
    )
    return "\n".join(f"{name:30}{figures[key]:8.2f} {unit}   ({note})" for name, key, unit, note in rows)


if __name__ == "__main__":
    sys.exit(main())
