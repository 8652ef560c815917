"""What the speed programs share: percentiles, tables, processor time and memory of a tree of processes.

Reads the kernel's own figures (/proc, Linux). Knows nothing about nodes.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROC = Path("/proc")
_SAMPLE_EVERY_S = 1.0
_KIB = 1024


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 100) * len(ordered) // 100) - 1)]


def spread(values: Sequence[float], *, digits: int = 1) -> dict[str, float]:
    """Median, 95th percentile and maximum."""
    return {
        "p50": round(percentile(values, 0.5), digits),
        "p95": round(percentile(values, 0.95), digits),
        "max": round(max(values), digits),
    }


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns of text: the first left-aligned, the others right-aligned."""
    lines = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        print("  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]))


def emit(figures: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the figures as JSON when asked for."""
    if as_json:
        print(json.dumps(figures, indent=2))


def note(text: str) -> None:
    """Say something to the person who waits; standard output is for figures."""
    print(text, file=sys.stderr, flush=True)


def process_tree(root: int | None = None) -> list[int]:
    """A process (default: this one) and all that descend from it."""
    parents: dict[int, int] = {}
    for folder in PROC.glob("[0-9]*"):
        fields = _stat(int(folder.name))
        if fields is not None:
            parents[int(folder.name)] = int(fields[1])
    found = {root or os.getpid()}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found)


def cpu_seconds(root: int | None = None) -> float:
    """Processor time of a tree so far, with that of its children that have ended."""
    ticks = 0
    for pid in process_tree(root):
        fields = _stat(pid)
        ticks += sum(int(fields[n]) for n in (11, 12, 13, 14)) if fields else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_bytes(root: int | None = None) -> int:
    """Memory of a tree; what processes share is counted once (proportional set size)."""
    return sum(_pss_bytes(pid) for pid in process_tree(root))


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the name: state, parent, ..."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _pss_bytes(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * _KIB for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return _rss_bytes(pid)


def _rss_bytes(pid: int) -> int:
    """Where the shared part is not told (a process of another user): all of it."""
    try:
        return int((PROC / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


@dataclass
class Usage:
    """What a block of work took. Filled when the block has ended."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_bytes: int = 0

    def as_json(self, *, per: int = 1) -> dict[str, float]:
        """Wall clock, processor seconds for each of `per` things, and peak memory."""
        return {
            "wall_s": round(self.wall_s, 2),
            "cpu_s_each": round(self.cpu_s / per, 3),
            "peak_mib": round(self.peak_bytes / _KIB**2),
        }


@contextmanager
def usage() -> Iterator[Usage]:
    """Measure a block: this process and all below it; memory is sampled every second."""
    found, is_over = Usage(), threading.Event()

    def sample() -> None:
        while True:
            found.peak_bytes = max(found.peak_bytes, memory_bytes())
            if is_over.wait(_SAMPLE_EVERY_S):
                return

    sampler = threading.Thread(target=sample, daemon=True)
    cpu, started = cpu_seconds(), time.perf_counter()
    sampler.start()
    try:
        yield found
    finally:
        found.wall_s = time.perf_counter() - started
        is_over.set()
        sampler.join()
        found.cpu_s = cpu_seconds() - cpu
