"""The gates judged by mutants and by good nodes: counts by family and gate, the catch rate with its interval.

A mutant counts as caught when the one gate that should notice it fails, whatever else fails beside it. That another
gate fails instead is no catch: then the message would be about something else. A good node may not fail any gate.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.measuring import note, print_table
from omniclaude_dagster.benchmark.node_mutants.bases import has_golden
from omniclaude_dagster.benchmark.node_mutants.corpus import all_mutants
from omniclaude_dagster.benchmark.node_mutants.good import Good, complete, each_once, good_nodes
from omniclaude_dagster.benchmark.node_mutants.judging import Outcome, judge_all, judge_bundle
from omniclaude_dagster.benchmark.node_mutants.model import Mutant
from omniclaude_dagster.gates.registry import FolderVerdict
from omniclaude_dagster.sandbox.model import Sandbox
from omniclaude_dagster.statistics import wilson
from tests.golden.cases import CASES, rendered

CATCH_BAR = 0.95
GOOD_NODES_BAR = 40
AT_ONCE = 2


def every_good_node() -> tuple[Good, ...]:
    """The good nodes of the package, and the complete ones of those that tests/golden keeps byte for byte."""
    kept = (node for name, asked in CASES.items() for node in complete(rendered(name), asked))
    return each_once((*good_nodes(), *kept))


def chosen_mutants(*, every: int = 1) -> list[Mutant]:
    """Each n-th mutant of the corpus, families in turn; those of golden nodes only where ../shared is."""
    return [m for m in all_mutants() if has_golden() or not m.is_golden][::every]


def measure_corpus(sandbox: Sandbox, *, every: int = 1) -> dict[str, Any]:
    """What the gates do with mutants and with good nodes."""
    mutants, good = chosen_mutants(every=every), every_good_node()
    note(f"judging {len(good)} good nodes ...")
    verdicts = judge_good(good, sandbox)
    note(f"judging {len(mutants)} mutants ...")
    started = time.perf_counter()
    outcomes = judge_all(mutants, sandbox, at_once=AT_ONCE)
    return {
        **catch_figures(outcomes),
        "seconds": round(time.perf_counter() - started, 1),
        "golden": "judged" if has_golden() else "left out: ../shared/golden is not here",
        "good_nodes": len(good),
        "false_alarms": false_alarms(good, verdicts),
    }


def judge_good(good: Sequence[Good], sandbox: Sandbox) -> list[FolderVerdict]:
    """All gates on every good node."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="good") as pool:
        return list(
            pool.map(
                lambda node: judge_bundle(
                    node.bundle, sandbox, examples=node.examples, is_as_generated=node.is_as_generated
                ),
                good,
            )
        )


def false_alarms(good: Sequence[Good], verdicts: Sequence[FolderVerdict]) -> list[str]:
    """Every gate that failed a good node, or did not judge it."""
    return [
        f"{node.name}: {gate.gate} {gate.status}: {gate.message[:300]}"
        for node, verdict in zip(good, verdicts, strict=True)
        for gate in verdict.gates
        if gate.status in {"fail", "skipped"}
    ]


def catch_figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Counts by family and by gate, the overall rate, and each mutant that was not caught by the right gate."""
    right = sum(outcome.catch == "right" for outcome in outcomes)
    rate = wilson(right, len(outcomes))
    return {
        "mutants": len(outcomes),
        "caught": right,
        "catch_rate": rate.as_json() if rate else None,
        "by_family": _counted(outcomes, [o.mutant.family for o in outcomes]),
        "by_gate": _counted(outcomes, [o.mutant.gate for o in outcomes]),
        "not_caught": [
            f"{o.mutant.id} ({o.mutant.breaks}): {o.mutant.gate} passed; failed: {', '.join(o.failed) or 'none'}"
            for o in outcomes
            if o.catch != "right"
        ],
    }


def _counted(outcomes: Sequence[Outcome], keys: Sequence[str]) -> dict[str, dict[str, int]]:
    counts = Counter((key, outcome.catch) for key, outcome in zip(keys, outcomes, strict=True))
    return {key: {c: counts[key, c] for c in ("right", "other", "missed")} for key in dict.fromkeys(keys)}


def show_corpus(figures: Mapping[str, Any]) -> None:
    """The figures for a person."""
    for title, key in (("family", "by_family"), ("gate that should", "by_gate")):
        print()
        header = (title, "mutants", "caught by it", "by another", "missed")
        print_table(header, [(name, sum(row.values()), *row.values()) for name, row in figures[key].items()])
    rate = figures["catch_rate"]
    print(
        f"\ncaught by the gate that should: {figures['caught']} of {figures['mutants']} = {rate['value']:.1%} "
        f"(95 % interval {rate['low']:.1%} to {rate['high']:.1%}; bar {CATCH_BAR:.0%}), {figures['seconds']} s; "
        f"golden nodes: {figures['golden']}"
    )
    print(f"false alarms: {len(figures['false_alarms'])} on {figures['good_nodes']} good nodes (bar: 0 on 40)")
    for line in (*figures["not_caught"], *figures["false_alarms"]):
        print(f"  {line}")


def is_corpus_met(figures: Mapping[str, Any]) -> bool:
    """Whether enough mutants are caught and no good node is refused."""
    is_enough = figures["catch_rate"]["value"] >= CATCH_BAR and figures["good_nodes"] >= GOOD_NODES_BAR
    return is_enough and not figures["false_alarms"]
