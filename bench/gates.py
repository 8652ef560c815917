"""`make bench-gates`: what the gates take for a node, which mutants they catch, and whether they alarm falsely.

    .venv/bin/python -m bench.gates [--rounds 5] [--every 1] [--no-mutants] [--json]

Golden nodes (../shared/golden, left out where it is absent) and four generated ones, one of each kind. Reading alone
is G9 to G12 and G-SEC without the sandbox; judging is everything, G14 and the node's own tests included, in a warm
sandbox, every time anew. The mutants are those of omniclaude_dagster/benchmark/node_mutants, judged by all gates
(`--every 2`: each second one).
Bars: reading 300 ms p50, 100 nodes 3 s; 95 % of the mutants caught by the gate that should; no good node fails.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

from bench.gates_corpus import is_corpus_met, measure_corpus, show_corpus
from bench.measuring import emit, note, print_table, spread
from bench.workload import accepted, mixed_requests
from omniclaude_dagster.artifact.rendering import render_bundle
from omniclaude_dagster.benchmark.node_mutants.bases import GOLDEN_BASES, base_bundle, has_golden
from omniclaude_dagster.contracts.plan.planner import plan_node
from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.registry import context_of, gates_of, judge_node
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request.model import AcceptedRequest
from omniclaude_dagster.request.understanding import understand
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.sandbox.model import Sandbox
from omniclaude_dagster.settings import load_settings
from omniclaude_dagster.stages.event_bus import topics_of

READING_BAR_MS = 300.0
BATCH_BAR_S = 3.0
BATCH_NODES = 100


class _NoExecution:
    """Stands where a sandbox is demanded, for gates that only read."""

    def run(self, job: Any) -> Any:
        """Never called by a reading gate."""
        raise AssertionError(f"{job.task} was to be executed while only reading is measured")

    def unavailable_reason(self) -> str | None:
        """Nothing is executed."""
        return "only reading is measured"

    def close(self) -> None:
        """Nothing to end."""


def reading_ms(bundle: NodeBundle) -> dict[str, float]:
    """Milliseconds of each gate's reading part, in order; the first one includes parsing."""
    context = NodeContext(bundle=bundle, sandbox=_NoExecution())
    taken: dict[str, float] = {}
    for gate in gates_of("post_generation"):
        if gate.reads is not None:
            started = time.perf_counter()
            gate.reads(context)
            taken[gate.id] = (time.perf_counter() - started) * 1000
    return taken


def generated_nodes() -> list[NodeBundle]:
    """One node of each kind, from templates."""
    return [_generated(request) for request in accepted(mixed_requests(4), prefix="gates")]


def _generated(request: AcceptedRequest) -> NodeBundle:
    blueprint = plan_node(request, understand(request.request.prompt))
    return render_bundle(blueprint.with_event_bus(topics_of(blueprint)))


def golden_nodes() -> list[NodeBundle]:
    """The golden nodes, or nothing where ../shared is absent."""
    return [base_bundle(name) for name in GOLDEN_BASES] if has_golden() else []


def batch_s() -> float:
    """Seconds of all reading gates on 100 nodes, one after another in this process, no two alike."""
    requests = accepted(mixed_requests(BATCH_NODES, first=500), prefix="batch")
    bundles = [_generated(request) for request in requests]
    started = time.perf_counter()
    for bundle in bundles:
        reading_ms(bundle)
    return round(time.perf_counter() - started, 2)


def measure(sandbox: Sandbox, *, rounds: int) -> dict[str, Any]:
    """The figures of speed. A node is judged once before it is timed."""
    nodes = {bundle.package_name: bundle for bundle in (*golden_nodes(), *generated_nodes())}
    reading: dict[str, list[float]] = {}
    judging: dict[str, list[float]] = {}
    not_passed: list[str] = []
    for name, bundle in nodes.items():
        note(f"judging {name} ...")
        verdict = judge_node(context_of(bundle, sandbox))
        not_passed += [] if verdict.is_passed else [name]
        reading[name] = [sum(reading_ms(bundle).values()) for _ in range(rounds)]
        judging[name] = [_judging_ms(bundle, sandbox) for _ in range(rounds)]
    return {
        "golden": "measured" if golden_nodes() else "left out: ../shared/golden is not here",
        "not_passed": not_passed,
        "reading_ms": {name: spread(values) for name, values in reading.items()},
        "judging_ms": {name: spread(values) for name, values in judging.items()},
        "reading_ms_all": spread([value for values in reading.values() for value in values]),
        "judging_ms_all": spread([value for values in judging.values() for value in values]),
        "reading_100_nodes_s": batch_s(),
    }


def _judging_ms(bundle: NodeBundle, sandbox: Sandbox) -> float:
    started = time.perf_counter()
    judge_node(context_of(bundle, sandbox))
    return (time.perf_counter() - started) * 1000


def show(figures: dict[str, Any]) -> None:
    """The figures for a person."""
    header = ("milliseconds", "reading p50", "p95", "judging p50", "p95")
    rows = [_row(name, read, figures["judging_ms"][name]) for name, read in figures["reading_ms"].items()]
    print_table(header, [*rows, _row("all nodes", figures["reading_ms_all"], figures["judging_ms_all"])])
    print(f"\ngolden nodes: {figures['golden']}; not passed: {', '.join(figures['not_passed']) or 'none'}")
    print(f"reading {BATCH_NODES} nodes: {figures['reading_100_nodes_s']} s")
    print(f"bars: reading p50 {READING_BAR_MS:.0f} ms, {BATCH_NODES} nodes {BATCH_BAR_S:.0f} s")


def _row(name: str, reading: dict[str, float], judging: dict[str, float]) -> tuple[object, ...]:
    return (name, reading["p50"], reading["p95"], judging["p50"], judging["p95"])


def is_met(figures: dict[str, Any]) -> bool:
    """Whether the bars are met."""
    is_fast = figures["reading_ms_all"]["p50"] <= READING_BAR_MS and figures["reading_100_nodes_s"] <= BATCH_BAR_S
    corpus = figures.get("corpus")
    return is_fast and not figures["not_passed"] and (corpus is None or is_corpus_met(corpus))


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the bars are met, 1 when not, 3 without a sandbox."""
    parser = argparse.ArgumentParser(prog="python -m bench.gates", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="times each node is judged (default: 5)")
    parser.add_argument("--every", type=int, default=1, help="judge each n-th mutant (default: 1, all)")
    parser.add_argument("--no-mutants", action="store_true", help="measure speed only")
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args(arguments)
    settings = load_settings()
    with BubblewrapSandbox(settings.sandbox_workers, cache_path=settings.cache_path) as sandbox:
        reason = sandbox.unavailable_reason()
        if reason is not None:
            note(f"there is no sandbox here: {reason}")
            return 3
        figures = measure(sandbox, rounds=options.rounds)
        if not options.no_mutants:
            figures["corpus"] = measure_corpus(sandbox, every=options.every)
    emit(figures, as_json=options.as_json)
    if not options.as_json:
        show(figures)
        if "corpus" in figures:
            show_corpus(figures["corpus"])
    return 0 if is_met(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
