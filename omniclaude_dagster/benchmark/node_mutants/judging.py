"""Judges mutants and good nodes by all gates, several at a time, and counts what was caught by which gate."""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from omniclaude_dagster.benchmark.node_mutants.bases import base_bundle, base_examples
from omniclaude_dagster.benchmark.node_mutants.model import READER, Mutant
from omniclaude_dagster.errors import OmniClaudeError
from omniclaude_dagster.gates.registry import FolderVerdict, context_of, judge_node
from omniclaude_dagster.node.bundle import NodeBundle, read_bundle
from omniclaude_dagster.sandbox.model import Sandbox, SandboxJob, SandboxOutcome

# A mutant that never ends is given this long, not the 20 and 30 s of production: what is judged is the same.
PATIENCE_S = 4.0
Catch = Literal["right", "other", "missed"]


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: the gates that failed, what the right one said, and the quality score."""

    mutant: Mutant
    failed: tuple[str, ...]
    message: str = ""
    quality_score: float = 0.0

    @property
    def catch(self) -> Catch:
        """Whether the gate that should have failed, another, or none."""
        if self.mutant.gate in self.failed:
            return "right"
        return "other" if self.failed else "missed"


class ImpatientSandbox:
    """The real sandbox with less patience for what runs; tools keep their own limits."""

    def __init__(self, inner: Sandbox, *, wall_s: float = PATIENCE_S) -> None:
        self._inner = inner
        self._wall_s = wall_s

    def run(self, job: SandboxJob) -> SandboxOutcome:
        """Run the job, candidates' code for `wall_s` at most."""
        if job.task in {"execute_node", "run_tests", "inspect_models"}:
            job = replace(job, limits=replace(job.limits, wall_s=min(job.limits.wall_s, self._wall_s)))
        return self._inner.run(job)

    def unavailable_reason(self) -> str | None:
        """As the real one."""
        return self._inner.unavailable_reason()

    def close(self) -> None:
        """The real one is closed by who made it."""


def judge_all(
    mutants: Iterable[Mutant], sandbox: Sandbox, *, at_once: int = 2, each: Callable[[Outcome], None] = lambda _: None
) -> list[Outcome]:
    """Every mutant's outcome, in order; `each` is told of each one as it comes."""
    impatient = ImpatientSandbox(sandbox)

    def judge(mutant: Mutant) -> Outcome:
        outcome = judge_mutant(mutant, impatient)
        each(outcome)
        return outcome

    with ThreadPoolExecutor(at_once, thread_name_prefix="mutant") as pool:
        return list(pool.map(judge, mutants))


def judge_mutant(mutant: Mutant, sandbox: Sandbox) -> Outcome:
    """Judge one mutant. Raises LookupError when its edit changes nothing."""
    good = base_bundle(mutant.base)
    bundle = mutant.edit(good)
    if mutant.on_disk is not None:
        return _judge_folder(mutant, bundle, mutant.on_disk)
    if bundle.files == good.files:
        raise LookupError(f"{mutant.id} changes nothing")
    verdict = judge_bundle(
        bundle,
        sandbox,
        examples=mutant.examples or base_examples(mutant.base),
        is_as_generated=mutant.is_as_generated,
    )
    failed = {g.gate: g.message for g in verdict.gates if g.status == "fail"}
    message = failed.get(mutant.gate) or "; ".join(f"{gate}: {text}" for gate, text in failed.items())
    return Outcome(mutant, tuple(failed), message, verdict.quality_score)


def judge_bundle(
    bundle: NodeBundle, sandbox: Sandbox, *, examples: Sequence[object] = (), is_as_generated: bool = False
) -> FolderVerdict:
    """All gates on one bundle."""
    return judge_node(replace(context_of(bundle, sandbox), examples=tuple(examples), is_as_generated=is_as_generated))  # type: ignore[arg-type]


def _judge_folder(mutant: Mutant, bundle: NodeBundle, spoil: Callable[[Path], None]) -> Outcome:
    """A folder that reading must refuse; what is read is no bundle for the other gates."""
    with tempfile.TemporaryDirectory(prefix="omniclaude-mutant-") as folder:
        root = Path(folder) / bundle.package_name
        for path, content in bundle.files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        spoil(root)
        try:
            read_bundle(root)
        except OmniClaudeError as exc:
            return Outcome(mutant, (READER,), exc.message)
    return Outcome(mutant, ())
