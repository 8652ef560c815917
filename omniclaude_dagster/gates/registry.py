"""The gates as data, and what runs them. Each gate is a function in a module of its own concern.

Order within a phase: reading before executing, so that nothing is executed of a node that already fails by its text;
then the sandbox's jobs side by side.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import JsonValue, TypeAdapter, ValidationError

from omniclaude_dagster.gates import executed_gates, pre_generation, static_gates
from omniclaude_dagster.gates.context import NodeContext, PreGenerationContext
from omniclaude_dagster.gates.facts import quality_facts
from omniclaude_dagster.gates.quality import quality_of
from omniclaude_dagster.gates.report import GatePhase, GateReport, GateResult, GateStatus
from omniclaude_dagster.gates.verdict import Verdict
from omniclaude_dagster.node.bundle import NodeBundle, read_bundle
from omniclaude_dagster.request.model import Mode
from omniclaude_dagster.sandbox.model import Sandbox

# Sandbox jobs of one phase that wait at the same time; the sandbox itself bounds how many run.
MAX_CONCURRENT_JOBS = 4
MANIFEST_FILE = "node.manifest.yaml"
_SAMPLE = TypeAdapter(dict[str, JsonValue])


@dataclass(frozen=True)
class Gate:
    """One gate. `reads` looks only at text; `executes` asks the sandbox and runs when all reading passed.

    `is_blocking` False with `is_blocking_when_strict` True: the failure forbids publishing only in mode strict.
    """

    id: str
    name: str
    phase: GatePhase
    stage: str
    is_blocking: bool
    judges: Callable[[PreGenerationContext], Verdict] | None = None
    reads: Callable[[NodeContext], Verdict] | None = None
    executes: Callable[[NodeContext], Verdict] | None = None
    is_blocking_when_strict: bool = False

    def blocks_in(self, mode: Mode) -> bool:
        """Whether a failure forbids publishing in this mode."""
        return self.is_blocking or (self.is_blocking_when_strict and mode is Mode.STRICT)


GATES: tuple[Gate, ...] = (
    Gate("G1", "request understood", "pre_generation", "2", True, judges=pre_generation.check_parsed),
    Gate("G2", "node kind valid", "pre_generation", "2", True, judges=pre_generation.check_kind),
    Gate("G3", "name valid", "pre_generation", "2", True, judges=pre_generation.check_name),
    Gate("G4", "framework imports work", "pre_generation", "2", True, judges=pre_generation.check_required_imports),
    Gate("G5", "templates available", "pre_generation", "2", True, judges=pre_generation.check_templates),
    Gate("G6", "output writable", "pre_generation", "2", True, judges=pre_generation.check_output),
    Gate("G7", "prompt complete", "prompt", "2", False, judges=pre_generation.check_prompt),
    Gate("G8", "context complete", "prompt", "2", False, judges=pre_generation.check_understanding),
    Gate("G9", "syntax", "post_generation", "4", True, reads=static_gates.check_syntax),
    Gate("G10", "ONEX naming", "post_generation", "4", True, reads=static_gates.check_naming),
    Gate(
        "G11", "imports resolve", "post_generation", "4", True,
        reads=static_gates.check_imports, executes=executed_gates.resolve_imports,
    ),
    Gate(
        "G12", "models and contract", "post_generation", "4", True,
        reads=static_gates.check_models, executes=executed_gates.build_models,
    ),
    Gate(
        "G-SEC", "security", "post_generation", "4", True,
        reads=static_gates.check_security, executes=executed_gates.lint_security,
    ),
    Gate(
        "G13", "types", "compilation", "6", False,
        executes=executed_gates.check_types, is_blocking_when_strict=True,
    ),
    Gate(
        "G14", "node runs", "compilation", "6", False,
        executes=executed_gates.run_node, is_blocking_when_strict=True,
    ),
    Gate(
        "G-EXEC", "examples and tests", "compilation", "6", False,
        executes=executed_gates.accept_node, is_blocking_when_strict=True,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class FolderVerdict:
    """What `omniclaude gates DIR` says. `is_passed`: every gate passed; none failed and none was skipped."""

    gates: tuple[GateResult, ...]
    quality_score: float
    quality: Mapping[str, float]
    is_passed: bool

    def as_json(self) -> dict[str, Any]:
        """The object that `omniclaude gates DIR --json` prints."""
        return {
            "gates": [gate.as_json() for gate in self.gates],
            "quality_score": self.quality_score,
            "quality": dict(self.quality),
            "is_passed": self.is_passed,
        }


def gate(gate_id: str) -> Gate:
    """The gate with this id. Raises KeyError."""
    return {g.id: g for g in GATES}[gate_id]


def gates_of(*phases: GatePhase) -> tuple[Gate, ...]:
    """The gates of some phases, in order."""
    return tuple(g for g in GATES if g.phase in phases)


def run_pre_generation(ctx: PreGenerationContext) -> tuple[GateResult, ...]:
    """G1 to G8. All are run, so that a person sees everything that is missing at once."""
    mode = ctx.request.mode
    return tuple(_timed(g, mode, partial(_call, g.judges, ctx)) for g in gates_of("pre_generation", "prompt"))


def run_post_generation(ctx: NodeContext) -> tuple[GateResult, ...]:
    """G9 to G12 and G-SEC. Nothing is executed when reading alone finds a failure."""
    gates = gates_of("post_generation")
    read = [_timed(gates[0], ctx.mode, partial(_call, gates[0].reads, ctx))]
    if read[0].status == "fail":
        return (*read, *_skipped(gates[1:], ctx.mode, "G9 failed"))
    read += [_timed(g, ctx.mode, partial(_call, g.reads, ctx)) for g in gates[1:]]
    failed = [r.gate for r in read if r.status == "fail"]
    if failed:
        reason = f"{', '.join(failed)} failed"
        return tuple(
            _replaced(r, "skipped", f"by its text: {r.message}; not executed: {reason}")
            if g.executes and r.status != "fail"
            else r
            for g, r in zip(gates, read, strict=True)
        )
    executed = _execute([g for g in gates if g.executes], ctx)
    return tuple(_merged(r, executed.get(r.gate)) for r in read)


def run_compilation(ctx: NodeContext) -> tuple[GateResult, ...]:
    """G13, G14 and G-EXEC, in the sandbox."""
    gates = gates_of("compilation")
    executed = _execute(gates, ctx, beside=executed_gates.prefetched(ctx))
    return tuple(executed[g.id] for g in gates)


def report_of(ctx: NodeContext, results: Iterable[GateResult]) -> GateReport:
    """The report that the writer demands, tied to the judged bytes."""
    return GateReport(tuple(results), ctx.bundle.sha256)


def judge_folder(path: Path, sandbox: Sandbox) -> FolderVerdict:
    """Judge the node in a folder. Raises RequestError or UnsafePathError when the folder cannot be read as a node."""
    return judge_node(context_of(read_bundle(path), sandbox))


def context_of(bundle: NodeBundle, sandbox: Sandbox) -> NodeContext:
    """What the gates look at when nothing but a node's files is known; its manifest may name an input to try."""
    ctx = NodeContext(bundle=bundle, sandbox=sandbox)
    manifest = ctx.parsed.documents.get(MANIFEST_FILE)
    described = manifest.get("node") if isinstance(manifest, dict) else None
    try:
        sample = _SAMPLE.validate_python(described.get("sample_input") if isinstance(described, dict) else None)
    except ValidationError:
        return ctx
    return replace(ctx, samples=(sample,))


def judge_node(ctx: NodeContext) -> FolderVerdict:
    """Every gate from G9 on, and the quality that they show."""
    results = run_post_generation(ctx)
    failed = [r.gate for r in results if r.status == "fail"]
    if failed:
        results += _skipped(gates_of("compilation"), ctx.mode, f"{', '.join(failed)} failed")
    else:
        results += run_compilation(ctx)
    quality = quality_of(quality_facts(ctx, results))
    is_passed = all(r.status in {"pass", "warn"} for r in results)
    return FolderVerdict(results, quality.score, quality.parts, is_passed)


def _call[C](function: Callable[[C], Verdict] | None, ctx: C) -> Verdict:
    if function is None:
        raise LookupError("the gate has no function for this phase")
    return function(ctx)


def _timed(gate: Gate, mode: Mode, judge: Callable[[], Verdict]) -> GateResult:
    started = time.perf_counter()
    try:
        verdict = judge()
    except Exception as exc:  # noqa: BLE001  (a gate with a defect must fail the node, never pass it)
        verdict = Verdict("fail", f"the gate itself is defective: {type(exc).__name__}: {exc}")
    duration_ms = (time.perf_counter() - started) * 1000
    return GateResult(gate.id, gate.phase, gate.blocks_in(mode), verdict.status, verdict.message, duration_ms)


def _execute(
    gates: Iterable[Gate], ctx: NodeContext, *, beside: tuple[Callable[[], object], ...] = ()
) -> dict[str, GateResult]:
    """Run the sandbox's part of some gates at the same time. `beside` only starts questions that gates ask later."""
    gates = tuple(gates)
    reason = ctx.shared.once("unavailable", ctx.sandbox.unavailable_reason)
    if reason:
        return {r.gate: r for r in _skipped(gates, ctx.mode, reason)}
    with ThreadPoolExecutor(MAX_CONCURRENT_JOBS, thread_name_prefix="gate") as pool:
        waiting = [pool.submit(_timed, g, ctx.mode, partial(_call, g.executes, ctx)) for g in gates]
        for question in beside:
            pool.submit(question)
        return {result.gate: result for result in (future.result() for future in waiting)}


def _skipped(gates: Iterable[Gate], mode: Mode, reason: str) -> tuple[GateResult, ...]:
    message = f"not executed: {reason}"
    return tuple(GateResult(g.id, g.phase, g.blocks_in(mode), "skipped", message) for g in gates)


def _replaced(result: GateResult, status: GateStatus, message: str) -> GateResult:
    return GateResult(result.gate, result.phase, result.is_blocking, status, message, result.duration_ms)


def _merged(read: GateResult, executed: GateResult | None) -> GateResult:
    """Reading passed or warned; what executing said decides, and a warning is kept."""
    if executed is None:
        return read
    decisive = read if read.status == "warn" and executed.status == "pass" else executed
    duration_ms = read.duration_ms + executed.duration_ms
    return GateResult(read.gate, read.phase, read.is_blocking, decisive.status, decisive.message, duration_ms)
