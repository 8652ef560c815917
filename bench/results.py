"""Runs the speed programs and writes what they measured into bench/RESULTS.md.

    .venv/bin/python -m bench.results                      everything, about 10 minutes on a quiet machine
    .venv/bin/python -m bench.results --only gates,sandbox a part; the other cells stay as they are

Every figure comes from a program's `--json` output of this very run; a program that did not run leaves the reason in
its cells. Run nothing else meanwhile. The model figure needs OMNICLAUDE_MODEL_BASE_URL.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.measuring import note

PROJECT = Path(__file__).resolve().parents[1]
RESULTS = PROJECT / "bench" / "RESULTS.md"
NOT_YET = "not measured yet"
_BEGIN, _END = "<!-- table: written by `python -m bench.results` -->", "<!-- end of the table -->"
_HEAD = "| figure | bar | measured | command |\n|---|---|---|---|"
_LIMIT_S = 1800
_MAX_REASON_CHARS = 160

type Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One line of the table; `show` reads the figure from the JSON of the program `bench.<part>`."""

    figure: str
    bar: str
    part: str
    show: Callable[[Figures], str]


def _times(value: Mapping[str, float], unit: str = "ms") -> str:
    return f"p50 {value['p50']:g}, p95 {value['p95']:g}, max {value['max']:g} {unit}"


def _area(value: Mapping[str, float] | None) -> str:
    return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})" if value else "not determined"


def _share(count: int, total: int, rate: Mapping[str, float]) -> str:
    return f"{count} of {total} = {rate['value']:.1%} ({rate['low']:.1%} to {rate['high']:.1%})"


ROWS = (
    Row("a node, fast mode, library, all gates and execution", "p50 ≤ 1500 ms", "generation",
        lambda f: _times(f["node_ms"])),
    Row("the same by kind, p50", "", "generation",
        lambda f: ", ".join(f"{kind} {row['p50']:g}" for kind, row in f["node_ms_by_kind"].items()) + " ms"),
    Row("the same by stage, p50", "", "generation",
        lambda f: ", ".join(f"{name.split()[0]}: {row['p50']:g}" for name, row in f["stage_ms"].items()) + " ms"),
    Row("static gates of a generated node (reading alone)", "≤ 300 ms", "generation",
        lambda f: _times(f["reading_gates_ms"])),
    Row("stage 4 with the sandbox's part of G11, G12, G-SEC", "", "generation",
        lambda f: _times(f["stage_ms"]["4 post_generation_validation"])),
    Row("many nodes at once, library, default settings", "≥ 60 a minute", "generation",
        lambda f: f"{f['nodes_per_minute']:g} a minute ({f['nodes']} nodes, {f['max_concurrency']} at a time, "
                  f"{len(f['not_published'])} not published)"),
    Row("processor time a node, all processes", "≤ 2.0 s", "generation",
        lambda f: f"{f['at_once']['cpu_s_each']:g} s"),
    Row("peak memory, all processes", "", "generation", lambda f: f"{f['at_once']['peak_mib']} MiB"),
    Row("`omniclaude generate --requests`, whole process", "≥ 60 a minute on 2 cores", "requests",
        lambda f: f"{f['nodes_per_minute']:g} a minute ({f['published']} of {f['requests']}, {f['cores']} cores)"),
    Row("static gates, golden and generated nodes", "≤ 300 ms", "gates", lambda f: _times(f["reading_ms_all"])),
    Row("all gates of a node folder, warm", "", "gates", lambda f: _times(f["judging_ms_all"])),
    Row("static gates on 100 nodes, one process", "≤ 3 s", "gates", lambda f: f"{f['reading_100_nodes_s']:g} s"),
    Row("mutants caught by the gate that should", "≥ 95 %", "gates",
        lambda f: _share(f["corpus"]["caught"], f["corpus"]["mutants"], f["corpus"]["catch_rate"])),
    Row("false alarms on good nodes", "0 of ≥ 40", "gates",
        lambda f: f"{len(f['corpus']['false_alarms'])} on {f['corpus']['good_nodes']} nodes"),
    Row("quality score: right nodes, and wrong logic that examples see", "≥ 0.10 apart", "quality",
        lambda f: f"p50 {f['groups']['right']['p50']:g} and {f['groups']['wrong logic']['p50']:g}, "
                  f"{f['distance']:g} apart at least"),
    Row("quality score: AUROC right against wrong logic seen / all mutants", "", "quality",
        lambda f: " / ".join(_area(f["auroc"][f"right against {name}"]) for name in ("wrong logic", "all broken"))),
    Row("contract, rendering and formatting of a node", "p50 ≤ 60 ms", "rendering", lambda f: _times(f["node_ms"])),
    Row("copier with 12 of the same files / our rendering, both written", "≥ 10 times", "rendering",
        lambda f: f"{f['copier_ms']['p50']:g} ms / {f['unformatted_written_ms']['p50']:g} ms = {f['ratio']:g} "
                  f"({f['ratio_with_formatting']:g} with our formatting)"),
    Row("10 of 100,000 patterns, embedded index", "p95 ≤ 20 ms", "patterns", lambda f: _times(f["retrieval_10"])),
    Row("stage 1.5's search in 100,000 patterns, without network", "p95 ≤ 50 ms", "patterns",
        lambda f: _times(f["stage_5"])),
    Row("storing a pattern", "≤ 5 ms", "patterns", lambda f: _times(f["storing"])),
    Row("memory that 100,000 patterns add / at most while loading", "≤ 400 MB", "patterns",
        lambda f: f"{f['memory_mb']:g} MB / {f['memory_peak_mb']:g} MB"),
    Row("loading 100,000 patterns", "", "patterns", lambda f: f"{f['cold_load_s']:g} s"),
    Row("`get_patterns` over HTTP, 10,000 patterns, client on the same 2 cores", "≥ 300 a second", "service",
        lambda f: f"{f['ways']['default']['per_s']:g} a second, {_times(f['ways']['default']['latency_ms'])}, "
                  f"{f['ways']['default']['failed']} failed"),
    Row("sandbox, cold start", "", "sandbox", lambda f: f"{f['cold_start_s']:g} s"),
    Row("a node's life in a warm sandbox / in a new bare Python", "", "sandbox",
        lambda f: f"{f['sandboxed_ms']['p50']:g} ms / {f['bare_python_ms']['p50']:g} ms = {f['ratio']:g}"),
    Row("an empty task in a warm sandbox", "", "sandbox", lambda f: _times(f["empty_task_ms"])),
    Row("strict type check of a node: a worker's first, then later ones", "", "sandbox",
        lambda f: f"{f['first_type_check_ms']:g} ms, then p50 {f['later_type_checks_ms']['p50']:g} ms"),
    Row("Dagster's in-process job over the library", "≤ 1.0 s", "dagster_overhead",
        lambda f: f"{f['overhead_s']:g} s ({f['in_process_s']:g} against {f['library_s']:g} s)"),
    Row("the same ops on Dagster's default executor", "≥ 10 times slower", "dagster_overhead",
        lambda f: f"{f['default_executor_ratio']:g} times ({f['default_executor_s']:g} s)"),
    Row("file drop to first stage under `make dev`", "≤ 15 s", "file_drop",
        lambda f: ", ".join(f"{value:g}" for value in f["to_first_stage_s"]) + " s"),
    Row("tokens a second through our gateway / straight to vLLM, 16 in flight", "≥ 0.90", "gateway_throughput",
        lambda f: f"{f['ratio']:g} ({f['gateway_tokens_per_s']:g} / {f['straight_tokens_per_s']:g}, {f['model']})"),
)  # fmt: skip
PARTS = tuple(dict.fromkeys(row.part for row in ROWS))
# This one always prints JSON.
_WITHOUT_JSON_OPTION = frozenset({"gateway_throughput"})


def run_part(part: str) -> Figures | str:
    """The figures of one program, or why there are none."""
    option = [] if part in _WITHOUT_JSON_OPTION else ["--json"]
    try:
        done = subprocess.run(
            [sys.executable, "-m", f"bench.{part}", *option],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"did not end within {_LIMIT_S} s"
    try:
        # Exit code 1 says that a bar was missed: those figures count too.
        figures = json.loads(done.stdout[done.stdout.index("{") :])
    except ValueError:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}, no output"]
        return lines[-1]
    return figures if isinstance(figures, dict) else "no JSON object was printed"


def cell(row: Row, found: Figures | str) -> str:
    """What stands in the column `measured`."""
    if isinstance(found, str):
        return f"did not run: {found[:_MAX_REASON_CHARS]}".replace("|", "/")
    try:
        return row.show(found).replace("|", "/")
    except (KeyError, TypeError, AttributeError) as exc:
        return f"did not run: the program's output lacks {exc}"


def known_cells(text: str) -> dict[str, str]:
    """Figure to measured cell, of the table that is there."""
    rows = re.findall(r"^\| (.+?) \| .*? \| (.+?) \| `.+?` \|$", text, flags=re.MULTILINE)
    return dict(rows)


def table(cells: Mapping[str, str]) -> str:
    """The table as Markdown."""
    command = ".venv/bin/python -m bench"
    lines = [
        f"| {row.figure} | {row.bar or '-'} | {cells.get(row.figure, NOT_YET)} | `{command}.{row.part}` |"
        for row in ROWS
    ]
    return "\n".join([_HEAD, *lines])


def document(text: str, cells: Mapping[str, str], *, machine: str) -> str:
    """RESULTS.md with another table; the words around it stay."""
    head, _, rest = text.partition(_BEGIN)
    tail = rest.partition(_END)[2]
    return f"{head}{_BEGIN}\n\n{machine}\n\n{table(cells)}\n\n{_END}{tail}"


def machine_line(parts: Sequence[str]) -> str:
    """When and on what the last run measured."""
    names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    load = os.getloadavg()[0]
    cores = f"{len(os.sched_getaffinity(0))} cores ({names[0] if names else 'unknown processor'})"
    python = f"Python {sys.version.split()[0]}"
    return f"Last run: {datetime.now(UTC):%Y-%m-%d}, {', '.join(parts)}; {cores}, {python}, load before it {load:.1f}."


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every chosen part ran, 1 when one did not."""
    parser = argparse.ArgumentParser(prog="python -m bench.results", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(PARTS), help=f"comma-separated, of {', '.join(PARTS)}")
    chosen = parser.parse_args(arguments).only.split(",")
    unknown = sorted(set(chosen) - set(PARTS))
    if unknown:
        parser.error(f"unknown parts: {', '.join(unknown)}")
    text = RESULTS.read_text(encoding="utf-8")
    machine = machine_line(chosen)
    cells = known_cells(text)
    is_complete = True
    for part in chosen:
        note(f"bench.{part} ...")
        found = run_part(part)
        is_complete = is_complete and not isinstance(found, str)
        cells |= {row.figure: cell(row, found) for row in ROWS if row.part == part}
        for row in ROWS:
            if row.part == part:
                note(f"  {row.figure}: {cells[row.figure]}")
    RESULTS.write_text(document(text, cells, machine=machine), encoding="utf-8")
    return 0 if is_complete else 1


if __name__ == "__main__":
    sys.exit(main())
