"""Searches a second that the HTTP service answers, over a library of 10,000 patterns in SQLite.

    .venv/bin/python -m bench.service                 the service as it starts by default; the bar is 300 a second
    .venv/bin/python -m bench.service --compare       and with searches in threads, and in two processes

Server and load generator are processes of their own on this machine. The generator keeps its connections, sends its
requests as bytes made beforehand, and reads no more of an answer than it must: its status, its length, how many
patterns are in it (5 are asked for; the library offers fewer where fewer are relevant), and that no part was away. An
unmeasured round comes first.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Any

from bench.measuring import cpu_seconds, emit, memory_bytes, note, print_table, spread
from bench.pattern_corpus import patterns, queries
from omniclaude_dagster.patterns.embedding import build_embedder
from omniclaude_dagster.patterns.model import PatternQuery
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.surfaces.api.tokens import TokenFile

TARGET_PER_S = 300.0
LIMIT = 5
_WARM_UP_S = 2.0
_START_S = 120.0
_QUERIES = 500
_BATCH = 500
_LISTENING = re.compile(r"listening on http://127\.0\.0\.1:(\d+);")
_RANK = b',"parts":{'
_NOTHING_AWAY = b'"degraded":[]}'
# As the service starts; with a hop to a thread for each search; in two processes.
WAYS = {"default": (), "in threads": ("--search-in-threads",), "two workers": ("--workers", "2")}


@dataclass(frozen=True)
class Load:
    """What the generator saw."""

    seconds: float
    latencies_ms: list[float]
    failed_count: int
    found_count: int


def fill(home: Path, count: int) -> None:
    """A library of so many patterns, each with its vector."""
    settings = Settings(home=home)
    embedder = build_embedder(settings)
    records = RecordsStore(settings.records_url, home / "spool")
    for batch in batched(patterns(count), _BATCH):
        vectors = embedder.embed([pattern.text for pattern in batch])
        for pattern, vector in zip(batch, vectors, strict=True):
            records.add_pattern(pattern, vector=vector, embedding_model=embedder.model_name)
    records.close()


@contextmanager
def served(home: Path, options: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The service in a process of its own: its port and its process id. Its log goes to a file, as it would."""
    program = [sys.executable, "-m", "omniclaude_dagster.surfaces.cli.main", "serve", "--port", "0", *options]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OMNICLAUDE_")}
    log = home / "service.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*program, "--rate", "1000000", "--burst", "1000000"],
            stdin=subprocess.DEVNULL,
            stderr=stream,
            env={**kept, "OMNICLAUDE_HOME": str(home)},
        )
    try:
        yield _port(log, process), process.pid
    finally:
        process.terminate()
        process.wait(timeout=60)


def _port(log: Path, process: "subprocess.Popen[bytes]") -> int:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        found = _LISTENING.search(log.read_text())
        if found:
            return int(found[1])
        time.sleep(0.05)
    raise RuntimeError(f"the service did not start:\n{log.read_text()[-2000:]}")


def request_bytes(query: PatternQuery, token: str) -> bytes:
    """A whole request, ready to be sent."""
    asked = {
        "text": query.text,
        "node_kind": query.node_kind.value,
        "systems": query.systems,
        "inputs": query.inputs,
        "outputs": query.outputs,
        "limit": query.limit,
    }
    body = json.dumps(asked).encode()
    head = (
        f"POST /v1/intelligence/get_patterns HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def generate_load(port: int, token: str, clients: int, seconds: float, share: Any) -> None:
    """Run in a process of its own: hold `clients` requests in flight for so long."""
    share.send(asyncio.run(_load(port, token, clients, seconds)))


async def _load(port: int, token: str, clients: int, seconds: float) -> Load:
    requests = [request_bytes(query, token) for query in queries(_QUERIES, limit=LIMIT)]
    latencies: list[float] = []
    failed = found = 0
    started = time.perf_counter()
    end = started + seconds

    async def client(number: int) -> None:
        nonlocal failed, found
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (sent := time.perf_counter()) < end:
            number += clients
            writer.write(requests[number % len(requests)])
            answered = await _read_answer(reader)
            latencies.append((time.perf_counter() - sent) * 1000)
            failed += answered is None
            found += answered or 0
        writer.close()

    await asyncio.gather(*(client(number) for number in range(clients)))
    return Load(time.perf_counter() - started, latencies, failed, found)


async def _read_answer(reader: asyncio.StreamReader) -> int | None:
    """How many patterns were found; None for an answer that is not what it should be."""
    head = await reader.readuntil(b"\r\n\r\n")
    at = head.index(b"content-length:") + len(b"content-length:")
    body = await reader.readexactly(int(head[at : head.index(b"\r", at)]))
    is_good = head.startswith(b"HTTP/1.1 200") and body.endswith(_NOTHING_AWAY)
    return body.count(_RANK) if is_good else None


def under_load(port: int, token: str, *, clients: int, seconds: float) -> Load:
    """What a generator in a process of its own sees."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(
        target=generate_load, args=(port, token, clients, seconds, theirs)
    )
    process.start()
    load: Load = ours.recv()
    process.join()
    return load


def measure(home: Path, token: str, options: Sequence[str], *, clients: int, seconds: float) -> dict[str, Any]:
    """The figures of the service with these options."""
    with served(home, options) as (port, pid):
        under_load(port, token, clients=clients, seconds=_WARM_UP_S)
        cpu = cpu_seconds(pid)
        load = under_load(port, token, clients=clients, seconds=seconds)
        cpu = cpu_seconds(pid) - cpu
        memory_mib = round(memory_bytes(pid) / 1024**2)
    count = len(load.latencies_ms)
    return {
        "per_s": round(count / load.seconds, 1),
        "latency_ms": spread(load.latencies_ms),
        "cpu_ms_each": round(cpu * 1000 / count, 2),
        "memory_mib": memory_mib,
        "requests": count,
        "patterns_each": round(load.found_count / count, 2),
        "failed": load.failed_count,
    }


def main() -> int:
    """Print the figures; 0 when the bar is met, 1 when not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patterns", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=10.0, help="measured time of each way")
    parser.add_argument("--clients", type=int, default=8, help="requests in flight")
    parser.add_argument("--compare", action="store_true", help="also with searches in threads, and with two workers")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    ways = WAYS if args.compare else {"default": WAYS["default"]}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        note(f"storing {args.patterns} patterns ...")
        fill(home, args.patterns)
        token = TokenFile(home).add("bench", scopes=["read"]).token
        found = {}
        for name, options in ways.items():
            note(f"measuring: {name} ...")
            found[name] = measure(home, token, options, clients=args.clients, seconds=args.seconds)
    figures = {"patterns": args.patterns, "clients": args.clients, "target_per_s": TARGET_PER_S, "ways": found}
    emit(figures, as_json=args.json)
    if not args.json:
        _show(found)
    is_met = all(not way["failed"] for way in found.values()) and found["default"]["per_s"] >= TARGET_PER_S
    return 0 if is_met else 1


def _show(found: dict[str, dict[str, Any]]) -> None:
    rows = [
        (name, way["per_s"], way["latency_ms"]["p50"], way["latency_ms"]["p95"], way["cpu_ms_each"], way["memory_mib"])
        for name, way in found.items()
    ]
    print_table(("get_patterns", "a second", "p50 ms", "p95 ms", "server CPU ms", "MiB"), rows)


if __name__ == "__main__":
    sys.exit(main())
