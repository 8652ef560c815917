"""The gates judged by mutants and good nodes, with the bars of `make bench-gates`, on a fixed third of the corpus."""

from collections.abc import Iterator, Sequence

import pytest

from bench.gates_corpus import CATCH_BAR, GOOD_NODES_BAR, catch_figures, every_good_node, false_alarms, judge_good
from omniclaude_dagster.benchmark.node_mutants.bases import base_bundle, has_golden
from omniclaude_dagster.benchmark.node_mutants.corpus import FAMILIES, all_mutants
from omniclaude_dagster.benchmark.node_mutants.judging import judge_all
from omniclaude_dagster.benchmark.node_mutants.model import READER, Mutant
from omniclaude_dagster.gates.registry import gates_of
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox

pytestmark = [pytest.mark.sandbox, pytest.mark.xdist_group("gates-sandbox")]
needs_golden = pytest.mark.skipif(not has_golden(), reason="../shared/golden is not here")

# `make bench-gates` judges all; every third keeps each family and gate, and the time of the suite.
EVERY = 3
GENERATED = [m for m in all_mutants() if not m.is_golden]
GOLDEN = [m for m in all_mutants() if m.is_golden]
GATES = {gate.id for gate in gates_of("post_generation", "compilation")} | {READER}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[BubblewrapSandbox]:
    with BubblewrapSandbox(workers=2) as made:
        reason = made.unavailable_reason()
        if reason:
            pytest.skip(f"no sandbox here: {reason}")
        yield made


def check(mutants: Sequence[Mutant], sandbox: BubblewrapSandbox) -> None:
    figures = catch_figures(judge_all(mutants, sandbox))
    assert figures["catch_rate"]["value"] >= CATCH_BAR, "\n".join(figures["not_caught"])


def test_mutants_of_generated_nodes_are_caught_by_the_gate_that_should(sandbox: BubblewrapSandbox) -> None:
    check(GENERATED[::EVERY], sandbox)


@needs_golden
def test_mutants_of_golden_nodes_are_caught_by_the_gate_that_should(sandbox: BubblewrapSandbox) -> None:
    check(GOLDEN[::EVERY], sandbox)


def test_no_good_node_is_refused(sandbox: BubblewrapSandbox) -> None:
    good = every_good_node()
    assert len(good) >= GOOD_NODES_BAR
    assert false_alarms(good, judge_good(good, sandbox)) == []


def test_what_is_judged_here_has_every_family_and_every_gate() -> None:
    judged = [*GENERATED[::EVERY], *GOLDEN[::EVERY]]
    assert {m.family for m in judged} == set(FAMILIES)
    assert {m.gate for m in judged} == GATES
    assert {m.family for m in GENERATED} == set(FAMILIES)


def test_the_corpus_is_large_and_each_mutant_has_its_own_name() -> None:
    names = [m.id for m in all_mutants()]
    assert len(set(names)) == len(names)
    assert len({(m.family, m.breaks) for m in GENERATED}) >= 60


@pytest.mark.parametrize(
    "mutant", [pytest.param(m, id=m.id, marks=needs_golden if m.is_golden else ()) for m in all_mutants()]
)
def test_every_mutant_differs_from_its_base(mutant: Mutant) -> None:
    good = base_bundle(mutant.base)
    assert mutant.on_disk is not None or mutant.edit(good).files != good.files
