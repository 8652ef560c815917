"""The quality score of right nodes, of nodes with wrong logic, and of broken ones: how well it separates them.

    .venv/bin/python -m bench.quality [--every 1] [--json]

Right: the good nodes of benchmark/node_mutants and of tests/golden. Wrong logic: the mutants of that family, whose
examples (or the node's own tests) see the fault; and the same golden ones judged without examples, where nothing can
see it. Broken: each other family of mutants. AUROC is the probability that a right node scores above a broken one,
ties counting half, with DeLong's interval. Bar: every node whose wrong answers are seen scores at least 0.10 below
the worst right one.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from bench.gates_corpus import AT_ONCE, chosen_mutants, every_good_node, judge_good
from bench.measuring import emit, note, print_table
from omniclaude_dagster.benchmark.node_mutants.bases import base_bundle
from omniclaude_dagster.benchmark.node_mutants.judging import ImpatientSandbox, judge_all, judge_bundle
from omniclaude_dagster.benchmark.node_mutants.model import Mutant
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.sandbox.model import Sandbox
from omniclaude_dagster.settings import load_settings
from omniclaude_dagster.statistics import auroc_with_interval, quantiles

RIGHT, WRONG, UNSEEN = "right", "wrong logic", "wrong logic, unseen"
DISTANCE_BAR = 0.10
_BINS = 20
_BAR_CHARACTERS = 40


def measure(sandbox: Sandbox, *, every: int = 1) -> dict[str, Any]:
    """Scores by group, and what separates them."""
    note("judging right nodes ...")
    scores = {RIGHT: [verdict.quality_score for verdict in judge_good(every_good_node(), sandbox)]}
    mutants = [m for m in chosen_mutants(every=every) if m.on_disk is None]
    note(f"judging {len(mutants)} mutants ...")
    for outcome in judge_all(mutants, sandbox, at_once=AT_ONCE):
        scores.setdefault(outcome.mutant.family, []).append(outcome.quality_score)
    note("judging wrong logic that no example sees ...")
    scores[UNSEEN] = [_unseen(m, sandbox) for m in mutants if m.family == WRONG and m.is_golden and m.examples]
    broken = [score for group, values in scores.items() if group not in {RIGHT, UNSEEN} for score in values]
    return {
        "groups": {group: quantiles(values) for group, values in scores.items()},
        "scores": {group: [round(value, 4) for value in values] for group, values in scores.items()},
        "auroc": {
            f"right against {name}": _auroc(scores[RIGHT], values)
            for name, values in ((WRONG, scores.get(WRONG, [])), ("all broken", broken), (UNSEEN, scores[UNSEEN]))
        },
        "distance": round(min(scores[RIGHT]) - max(scores.get(WRONG, [0.0])), 4),
    }


def _unseen(mutant: Mutant, sandbox: Sandbox) -> float:
    """The score of a node with wrong logic for which nobody gave an example; golden nodes have no tests either."""
    return judge_bundle(mutant.edit(base_bundle(mutant.base)), ImpatientSandbox(sandbox)).quality_score


def _auroc(right: Sequence[float], wrong: Sequence[float]) -> dict[str, float] | None:
    found = auroc_with_interval(right, wrong)
    return found.as_json() if found else None


def histogram(values: Sequence[float]) -> list[str]:
    """A line for each twentieth of the scale that has a score."""
    counts = [0] * _BINS
    for value in values:
        counts[min(_BINS - 1, int(value * _BINS + 1e-9))] += 1
    largest = max(counts)
    return [
        f"  {n / _BINS:.2f}-{(n + 1) / _BINS:.2f} {'#' * max(1, count * _BAR_CHARACTERS // largest)} {count}"
        for n, count in enumerate(counts)
        if count
    ]


def show(figures: Mapping[str, Any]) -> None:
    """Quantiles of every group, and the distributions of what matters most."""
    names = [key for key in figures["groups"][RIGHT] if key != "count"]
    rows = [
        (group, row["count"], *(f"{row[name]:.3f}" for name in names))
        for group, row in figures["groups"].items()
        if row["count"]
    ]
    print_table(("quality score", "nodes", *names), rows)
    for group in (RIGHT, WRONG, UNSEEN):
        print(f"\n{group}")
        print("\n".join(histogram(figures["scores"][group])) if figures["scores"].get(group) else "  none")
    print()
    for name, area in figures["auroc"].items():
        if area:
            print(f"AUROC {name}: {area['value']:.3f} (95 % interval {area['low']:.3f} to {area['high']:.3f})")
    print(
        f"from the worst right node down to the best with seen wrong logic: {figures['distance']} (bar: {DISTANCE_BAR})"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the bar is met, 1 when not, 3 without a sandbox."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="judge each n-th mutant (default: 1, all)")
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args(arguments)
    settings = load_settings()
    with BubblewrapSandbox(settings.sandbox_workers, cache_path=settings.cache_path) as sandbox:
        reason = sandbox.unavailable_reason()
        if reason is not None:
            note(f"there is no sandbox here: {reason}")
            return 3
        figures = measure(sandbox, every=options.every)
    emit(figures, as_json=options.as_json)
    if not options.as_json:
        show(figures)
    return 0 if figures["distance"] >= DISTANCE_BAR else 1


if __name__ == "__main__":
    sys.exit(main())
