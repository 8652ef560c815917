"""G1 to G8: whether the request is understood well enough, and whether a node can be generated here at all."""

import importlib
import re
import threading

from omniclaude_dagster.gates.context import PreGenerationContext
from omniclaude_dagster.gates.verdict import Verdict
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.request.naming import name_problem

_DOMAIN_PATTERN = re.compile(r"\A[a-z][a-z0-9_]{0,62}\Z", re.ASCII)
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
MIN_WORDS = 5
MIN_STEPS = 2
# Words of a request that name no task by themselves: the wish, the kind, and the small words.
_FILLER = frozenset(
    """a an the and or of for to in on with that this it its is are be me my us our please i we want need would like
    some any thing things something stuff good nice new node nodes onex service effect compute reducer orchestrator
    create make build generate write give do does can could you""".split()
)
# Wishes by which a request begins; with an object they make a task.
_WISHES = frozenset({"create", "make", "build", "generate", "write", "give", "need", "want", "implement", "add"})


def check_parsed(ctx: PreGenerationContext) -> Verdict:
    """G1: kind, name, domain and description are understood."""
    parsed = ctx.parsed
    values = {
        "node kind": parsed.node_kind,
        "name": (parsed.name or "").strip(),
        "domain": parsed.domain.strip(),
        "description": parsed.description.strip(),
    }
    missing = [name for name, value in values.items() if not value]
    if missing:
        questions = f" Please answer: {' '.join(parsed.questions)}" if parsed.questions else ""
        return Verdict("fail", f"not understood: {', '.join(missing)}.{questions}")
    if not _DOMAIN_PATTERN.match(parsed.domain):
        return Verdict("fail", f"the domain {parsed.domain[:80]!r} is not a plain lower-case name")
    return Verdict("pass", f"{parsed.node_kind} node {parsed.name} in domain {parsed.domain}")


def check_kind(ctx: PreGenerationContext) -> Verdict:
    """G2: the kind is one of the four, and the one the request names."""
    kind = ctx.parsed.node_kind
    known = ", ".join(k.value for k in NodeKind)
    if kind is None:
        return Verdict("fail", f"the kind is not known; it is one of {known}")
    if kind not in tuple(NodeKind):
        return Verdict("fail", f"{kind!r} is not a node kind; known are {known}")
    if ctx.request.node_kind and ctx.request.node_kind is not kind:
        return Verdict("fail", f"{kind.value} was understood, but the request says {ctx.request.node_kind.value}")
    return Verdict("pass", NodeKind(kind).value)


def check_name(ctx: PreGenerationContext) -> Verdict:
    """G3: the name is a safe class name, file name and module name."""
    name = ctx.parsed.name or ""
    problem = name_problem(name)
    if problem:
        return Verdict("fail", f"the name {name[:80]!r} {problem}")
    return Verdict("pass", name)


# The framework's modules import one another: two threads that import it first at the same time can deadlock.
_IMPORTING = threading.Lock()


def check_required_imports(ctx: PreGenerationContext) -> Verdict:
    """G4: everything the node will import from the framework really imports here (paths of our own table)."""
    problems = []
    for module, symbol in ctx.required_imports:
        try:
            with _IMPORTING:
                imported = importlib.import_module(module)
            if not hasattr(imported, symbol):
                problems.append(f"{module} has no {symbol}")
        except Exception as exc:  # noqa: BLE001  (a broken package may raise anything while it is imported)
            problems.append(f"{module} does not import: {type(exc).__name__}: {exc}")
    if not ctx.required_imports:
        problems.append("no imports are known for this kind of node")
    return Verdict.of(problems, passed=f"{len(ctx.required_imports)} imports work")


def check_templates(ctx: PreGenerationContext) -> Verdict:
    """G5: there are templates for the kind and the systems it talks to."""
    kind, systems = ctx.parsed.node_kind, ctx.parsed.external_systems
    if kind is None:
        return Verdict("fail", "no templates can be chosen without a node kind")
    shown = f"{kind.value} nodes" + (f" with {', '.join(systems)}" if systems else "")
    if not ctx.has_templates(kind, systems):
        return Verdict("fail", f"there are no templates for {shown}")
    return Verdict("pass", f"templates for {shown}")


def check_output(ctx: PreGenerationContext) -> Verdict:
    """G6: the output folder can be written, shown by writing."""
    problem = ctx.probe_writable(ctx.output_dir)
    if problem:
        return Verdict("fail", f"the output folder cannot be written: {problem}")
    return Verdict("pass", "a probe was written and removed")


def check_prompt(ctx: PreGenerationContext) -> Verdict:
    """G7: the prompt says enough to expect a useful node from it."""
    words = _WORD.findall(ctx.request.prompt)
    substance = [w for w in words if w.lower() not in _FILLER and len(w) > 1]
    problems = []
    if len(words) < MIN_WORDS:
        problems.append(f"the prompt has {len(words)} words; at least {MIN_WORDS} make a better node")
    if not substance:
        problems.append("the prompt names nothing to work on")
    elif not ctx.parsed.operations and not _WISHES.intersection(w.lower() for w in words):
        problems.append("the prompt does not say what to do")
    return Verdict.of(problems, passed=f"{len(words)} words", status="warn")


def check_understanding(ctx: PreGenerationContext) -> Verdict:
    """G8: what was understood has the content that a node of its kind needs."""
    parsed = ctx.parsed
    problems = []
    if not any(o.strip() for o in parsed.operations) and not parsed.signature and not parsed.contract_hints.transitions:
        problems.append("no operations")
    has_data = bool(
        parsed.fields
        or parsed.examples
        or parsed.signature
        or parsed.contract_hints.transitions
        or ctx.request.examples
        or ctx.request.contract
    )
    if parsed.node_kind is NodeKind.EFFECT and not parsed.external_systems and not ctx.request.contract:
        problems.append("no external system that the EFFECT works on")
    if parsed.node_kind in {NodeKind.COMPUTE, NodeKind.REDUCER} and not has_data:
        problems.append("no fields and no examples that say what goes in and comes out")
    if parsed.node_kind is NodeKind.ORCHESTRATOR and len(parsed.steps) < MIN_STEPS:
        problems.append(f"{len(parsed.steps)} steps; an ORCHESTRATOR has at least {MIN_STEPS}")
    return Verdict.of([f"missing: {p}" for p in problems], passed="the request has content", status="warn")
