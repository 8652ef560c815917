"""Cases from nodes: good ones, and those of `node_mutants` that are broken in one way each.

A quarter of each kind, as far as there are so many: right or wrong, and with or without something that shows it.
What is "untested" has neither tests nor examples: every gate passes, and only a reader can tell.
"""

import ast
import asyncio
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from omniclaude_dagster.benchmark.node_mutants.bases import (
    GENERATED_BASES,
    base_bundle,
    base_examples,
    base_request,
    has_golden,
)
from omniclaude_dagster.benchmark.node_mutants.corpus import all_mutants
from omniclaude_dagster.benchmark.node_mutants.good import Good, good_nodes
from omniclaude_dagster.benchmark.node_mutants.judging import ImpatientSandbox
from omniclaude_dagster.benchmark.node_mutants.model import Mutant
from omniclaude_dagster.benchmark.node_mutants.rendering import blueprint_for
from omniclaude_dagster.benchmark.quorum_case import Prepared, QuorumCase
from omniclaude_dagster.benchmark.quorum_summary import UNTESTED
from omniclaude_dagster.gates.acceptance import example_problems
from omniclaude_dagster.gates.execution import Executed, known
from omniclaude_dagster.gates.registry import FolderVerdict, context_of, judge_node
from omniclaude_dagster.node.blueprint import FieldSpec, ModelSpec, NodeBlueprint
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.quorum.model import Candidate, ExecutedFacts
from omniclaude_dagster.request.model import Example, NodeKind
from omniclaude_dagster.sandbox.model import Sandbox

RIGHT = "right"
_WRONG_LOGIC = "wrong logic"
# Nodes of these kinds run without the stand-ins that their tests bring; others would fail a gate without them.
_PURE = frozenset({NodeKind.COMPUTE, NodeKind.REDUCER})
_PURE_BASES = frozenset({"vat", "sums", "files"})


@dataclass(frozen=True)
class NodeCase:
    """A node with known truth, before anything was executed."""

    case_id: str
    group: str
    family: str
    is_right: bool
    request: Mapping[str, Any]
    bundle: Callable[[], NodeBundle]
    examples: tuple[Example, ...] = ()
    is_as_generated: bool = False


@dataclass(frozen=True)
class NodeCases:
    """A seeded sample of the node cases; implements CaseSource. `golden`: folder of the golden nodes."""

    sandbox: Sandbox
    count: int
    seed: int = 0
    golden: Path | None = None

    @cached_property
    def _chosen(self) -> Mapping[str, NodeCase]:
        return {case.case_id: case for case in sampled(node_cases(self.golden), count=self.count, seed=self.seed)}

    @property
    def slots(self) -> Sequence[str]:
        """One a case."""
        return tuple(self._chosen)

    async def prepare(self, slot: str) -> Prepared:
        """Judge the node by every gate."""
        return Prepared((await asyncio.to_thread(self._judged, self._chosen[slot]),))

    def _judged(self, case: NodeCase) -> QuorumCase:
        bundle = case.bundle()
        # On a busy machine too little patience would fail a good node; with broken ones it saves waiting for the end.
        has_patience = case.is_right or case.family.startswith(UNTESTED)
        context = replace(
            context_of(bundle, self.sandbox if has_patience else ImpatientSandbox(self.sandbox)),
            examples=case.examples,
            is_as_generated=case.is_as_generated,
        )
        verdict = judge_node(context)
        executed = known(context, "execute_node", Executed)
        outcomes = example_problems(context, executed) if executed else ()
        facts = _facts(verdict, passed=sum(not o.problems for o in outcomes), total=len(case.examples))
        return QuorumCase(
            case_id=case.case_id,
            group=case.group,
            family=case.family,
            is_right=case.is_right,
            is_passed_by_gates=verdict.is_passed,
            quality_score=verdict.quality_score,
            candidate=Candidate(
                blueprint=_blueprint(case.request, bundle),
                bundle=bundle,
                prompt=case.request["prompt"],
                gate_results=verdict.gates,
                facts=facts,
            ),
        )


def node_cases(golden: Path | None = None) -> tuple[NodeCase, ...]:
    """Every case there is; those of golden nodes only where their folder is."""
    good = good_nodes(golden)
    mutants = [m for m in all_mutants() if m.on_disk is None and (has_golden(golden) or not m.is_golden)]
    return (
        *(_right(node) for node in good),
        *(_right_untested(node) for node in good if _is_pure(node)),
        *(_wrong(mutant, golden) for mutant in mutants),
        *(_wrong_untested(mutant, golden) for mutant in mutants if _is_unseen(mutant)),
    )


def sampled(cases: Sequence[NodeCase], *, count: int, seed: int) -> list[NodeCase]:
    """`count` cases, of the four kinds in turn; within a kind its families in turn, each in a seeded order."""
    generator = random.Random(f"quorum {seed}")  # noqa: S311  (sampling, no secret)
    kinds: dict[tuple[bool, bool], list[NodeCase]] = {}
    for case in cases:
        kinds.setdefault((case.is_right, case.family.startswith(UNTESTED)), []).append(case)
    orders = [_by_turns(_shuffled(kinds[kind], generator)) for kind in sorted(kinds)]
    return list(_by_turns(orders))[:count]


def _shuffled(cases: Sequence[NodeCase], generator: random.Random) -> list[Iterator[NodeCase]]:
    families: dict[str, list[NodeCase]] = {}
    for case in cases:
        families.setdefault(case.family, []).append(case)
    orders = list(families.values())
    generator.shuffle(orders)
    for order in orders:
        generator.shuffle(order)
    return [iter(order) for order in orders]


def _by_turns[T](orders: Sequence[Iterator[T]]) -> Iterator[T]:
    """One of each, again and again, until all are empty."""
    waiting = list(orders)
    while waiting:
        for order in list(waiting):
            try:
                yield next(order)
            except StopIteration:
                waiting.remove(order)


def _right(node: Good) -> NodeCase:
    return NodeCase(
        f"{RIGHT}/{_name(node)}",
        node.name,
        RIGHT,
        True,
        node.request,
        lambda: node.bundle,
        node.examples,
        node.is_as_generated,
    )


def _right_untested(node: Good) -> NodeCase:
    family = f"{UNTESTED} {RIGHT}"
    return NodeCase(
        f"{family}/{_name(node)}", node.name, family, True, node.request, lambda: _without_tests(node.bundle)
    )


def _wrong(mutant: Mutant, golden: Path | None) -> NodeCase:
    examples = mutant.examples or base_examples(mutant.base)
    return NodeCase(
        mutant.id,
        _group(mutant, golden),
        mutant.family,
        False,
        _request(mutant, golden),
        lambda: mutant.edit(base_bundle(mutant.base, golden)),
        examples,
        mutant.is_as_generated,
    )


def _wrong_untested(mutant: Mutant, golden: Path | None) -> NodeCase:
    return NodeCase(
        f"{UNTESTED} {mutant.id}",
        _group(mutant, golden),
        f"{UNTESTED} {mutant.family}",
        False,
        _request(mutant, golden),
        lambda: _without_tests(mutant.edit(base_bundle(mutant.base, golden))),
    )


def _is_pure(node: Good) -> bool:
    return not node.is_as_generated or blueprint_for(**node.request).kind in _PURE


def _is_unseen(mutant: Mutant) -> bool:
    """Whether nothing but its examples and tests shows the fault."""
    return mutant.family == _WRONG_LOGIC and (mutant.is_golden or mutant.base in _PURE_BASES)


def _without_tests(bundle: NodeBundle) -> NodeBundle:
    kept = {path: content for path, content in bundle.files.items() if not path.startswith("tests/")}
    return NodeBundle(bundle.package_name, kept)


def _name(node: Good) -> str:
    # Two good nodes may have one name.
    return f"{node.name}/{node.bundle.sha256[:8]}"


def _group(mutant: Mutant, golden: Path | None) -> str:
    return base_bundle(mutant.base, golden).package_name


def _request(mutant: Mutant, golden: Path | None) -> Mapping[str, Any]:
    return GENERATED_BASES.get(mutant.base) or base_request(mutant.base, golden)


def _facts(verdict: FolderVerdict, *, passed: int, total: int) -> ExecutedFacts:
    return ExecutedFacts(
        gates={r.gate: r.status for r in verdict.gates},
        blocking_failures=tuple(r.gate for r in verdict.gates if r.is_blocking and r.status == "fail"),
        examples_passed=passed,
        examples_total=total,
        quality_score=verdict.quality_score,
    )


def _blueprint(request: Mapping[str, Any], bundle: NodeBundle) -> NodeBlueprint:
    """The blueprint of the request; of a golden node with the fields that its files really have."""
    blueprint = blueprint_for(**request)
    if "contract" not in request:
        return blueprint
    found = {side: _model_in(bundle, f"_{side}.py") for side in ("input", "output")}
    return replace(
        blueprint,
        input_model=found["input"] or blueprint.input_model,
        output_model=found["output"] or blueprint.output_model,
        extra_models=(),
    )


def _model_in(bundle: NodeBundle, suffix: str) -> ModelSpec | None:
    """The model of a file below models/, as far as its text can be read; None where it cannot."""
    paths = [path for path in sorted(bundle.files) if path.startswith("models/") and path.endswith(suffix)]
    try:
        classes = [n for p in paths[:1] for n in ast.parse(bundle.files[p]).body if isinstance(n, ast.ClassDef)]
    except (SyntaxError, ValueError):
        return None
    if not classes:
        return None
    fields = tuple(
        FieldSpec(node.target.id, ast.unparse(node.annotation))
        for node in classes[0].body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    )
    return ModelSpec(classes[0].name, "", fields)
