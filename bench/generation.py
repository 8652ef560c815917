"""Mode fast as a library: time a node by stage and by gate, nodes a minute, processor time and memory.

    .venv/bin/python -m bench.generation [--nodes 40] [--json]

One warm `Platform` with the default settings, in a home folder of its own that is removed afterwards. First nodes one
after another (what a person waits for), then all at once through `generate_all` (what a batch takes). The warm-up,
ten nodes at the same time, is not counted. Bars: p50 of a node 1.5 s; what reads only (G9 to G12 and G-SEC) 300 ms.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.gates import reading_ms
from bench.measuring import emit, note, print_table, spread, usage
from bench.workload import accepted, mixed_requests
from omniclaude_dagster.benchmark.node_mutants.wishes import WISHES, Wish
from omniclaude_dagster.node.bundle import read_bundle
from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.request.model import GenerationRequest
from omniclaude_dagster.settings import load_settings
from omniclaude_dagster.stages.model import GenerationResult

NODE_BAR_MS = 1500.0
READING_BAR_MS = 300.0
NODES_PER_MINUTE_BAR = 60.0

type Requests = list[tuple[Wish, GenerationRequest]]


async def measure(home: Path, *, count: int) -> dict[str, Any]:
    """All figures, with `count` nodes each way."""
    settings = load_settings().model_copy(update={"home": home})
    with Platform(settings) as platform:
        reason = platform.sandbox.unavailable_reason()
        if reason is not None:
            raise SystemExit(f"there is no sandbox here, so nothing is executed and no figure is true: {reason}")
        note("warming up ...")
        await _all(platform, mixed_requests(len(WISHES), first=9000), prefix="warm")
        note(f"{count} nodes one after another ...")
        with usage() as alone:
            single = await _one_by_one(platform, mixed_requests(count, first=1000))
        note(f"{count} nodes at once ...")
        with usage() as together:
            batch = await _all(platform, mixed_requests(count, first=2000), prefix="batch")
    results = [*single, *batch]
    return {
        "nodes": count,
        "not_published": [f"{r.request_id}: {r.status}: {r.error}" for r in results if r.status != "published"],
        "node_ms": spread([r.duration_ms for r in single]),
        "node_ms_by_kind": _by(single, ((str(r.node["kind"]), r.duration_ms) for r in single)),
        "stage_ms": _by(single, ((f"{s['stage']} {s['name']}", s["latency_ms"]) for r in single for s in r.stages)),
        "gate_ms": _by(single, ((g["gate"], g["duration_ms"]) for r in single for g in r.gates)),
        "reading_gates_ms": spread([sum(_reading(r).values()) for r in single]),
        "reading_gate_ms": _by(single, (pair for r in single for pair in _reading(r).items())),
        "one_by_one": alone.as_json(per=count),
        "at_once": together.as_json(per=count),
        "nodes_per_minute": round(count / together.wall_s * 60, 1),
        "max_concurrency": settings.max_concurrency,
        "sandbox_workers": settings.sandbox_workers,
    }


async def _one_by_one(platform: Platform, requests: Requests) -> list[GenerationResult]:
    return [await platform.generate(request) for request in accepted(requests, prefix="single")]


async def _all(platform: Platform, requests: Requests, *, prefix: str) -> list[GenerationResult]:
    return [result async for result in platform.generate_all(accepted(requests, prefix=prefix))]


def _reading(result: GenerationResult) -> dict[str, float]:
    """What the reading gates take for a node that was delivered, measured again on its files alone."""
    path = result.node["path"]
    return reading_ms(read_bundle(Path(path))) if path else {}


def _by(results: Sequence[GenerationResult], pairs: Iterable[tuple[str, float]]) -> dict[str, dict[str, float]]:
    grouped: dict[str, list[float]] = defaultdict(list)
    for name, value in pairs:
        grouped[name].append(value)
    return {name: spread(values) for name, values in grouped.items()} if results else {}


def show(figures: dict[str, Any]) -> None:
    """The figures as tables for a person."""
    header = ("milliseconds a node", "p50", "p95", "max")
    for title, key in (("by kind", "node_ms_by_kind"), ("by stage", "stage_ms"), ("by gate", "gate_ms")):
        print(f"\n{title}")
        print_table(header, [(name, *row.values()) for name, row in figures[key].items()])
    print("\ngates, reading alone")
    rows = [(name, *row.values()) for name, row in figures["reading_gate_ms"].items()]
    print_table(header, [*rows, ("together", *figures["reading_gates_ms"].values())])
    one, many = figures["one_by_one"], figures["at_once"]
    print(
        f"\none by one   p50 {figures['node_ms']['p50']:.0f} ms, p95 {figures['node_ms']['p95']:.0f} ms, "
        f"{one['cpu_s_each']:.2f} processor seconds a node (bar: p50 {NODE_BAR_MS:.0f} ms)"
    )
    print(
        f"at once      {figures['nodes_per_minute']:.0f} nodes a minute, {many['cpu_s_each']:.2f} processor seconds "
        f"a node, peak {many['peak_mib']} MiB in all processes (bar: {NODES_PER_MINUTE_BAR:.0f} nodes a minute)"
    )
    for line in figures["not_published"]:
        print(f"not published: {line}")


def is_met(figures: dict[str, Any]) -> bool:
    """Whether every bar is met, with every node published."""
    return (
        figures["node_ms"]["p50"] <= NODE_BAR_MS
        and figures["reading_gates_ms"]["p50"] <= READING_BAR_MS
        and figures["nodes_per_minute"] >= NODES_PER_MINUTE_BAR
        and not figures["not_published"]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the bars are met, 1 when not."""
    parser = argparse.ArgumentParser(prog="python -m bench.generation", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nodes", type=int, default=40, help="nodes each way (default: 40)")
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="omniclaude-bench-") as folder:
        figures = asyncio.run(measure(Path(folder), count=options.nodes))
    emit(figures, as_json=options.as_json)
    if not options.as_json:
        show(figures)
    return 0 if is_met(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
