"""`understand`: reads one prompt by rules alone and says how sure it is. Pure, deterministic, no I/O."""

from dataclasses import dataclass, replace

from omniclaude_dagster.request.model import NodeKind, ParsedRequest
from omniclaude_dagster.request.naming import class_name, name_problem
from omniclaude_dagster.request.understanding import confidence as sure
from omniclaude_dagster.request.understanding.asked_function import AskedFunction, asked_function
from omniclaude_dagster.request.understanding.clauses import VerbUse, verb_uses
from omniclaude_dagster.request.understanding.contract_hints import contract_hints
from omniclaude_dagster.request.understanding.domain import find_domain
from omniclaude_dagster.request.understanding.features import wanted_features
from omniclaude_dagster.request.understanding.fields import field_hints
from omniclaude_dagster.request.understanding.function_request import (
    SPELLED_KIND_CONFIDENCE,
    bare_function_request,
    name_of,
)
from omniclaude_dagster.request.understanding.kind import KindEvidence, kind_evidence
from omniclaude_dagster.request.understanding.lexicon import function_words
from omniclaude_dagster.request.understanding.name import NameFinding, said_name
from omniclaude_dagster.request.understanding.name_derived import derived_name
from omniclaude_dagster.request.understanding.operations import operations
from omniclaude_dagster.request.understanding.questions import open_questions
from omniclaude_dagster.request.understanding.steps import workflow_steps
from omniclaude_dagster.request.understanding.systems import external_systems, implied_systems
from omniclaude_dagster.request.understanding.text import Text, describe, is_mostly_english, read_text


@dataclass(frozen=True)
class Reading:
    """Everything the rules see in a prompt, before it is judged. `bench/understanding.py` fits the curves on it."""

    text: Text
    uses: tuple[VerbUse, ...]
    systems: tuple[str, ...]
    steps: tuple[str, ...]
    said_name: NameFinding | None
    evidence: KindEvidence
    is_english: bool


def read(prompt: str) -> Reading:
    """Collect the evidence of a prompt."""
    text = read_text(prompt)
    uses = verb_uses(text)
    systems = external_systems(text)
    steps = workflow_steps(text, uses)
    named = said_name(text)
    evidence = kind_evidence(text, uses, systems=systems, steps=steps, name=named.name if named else None)
    is_english = is_mostly_english(text, known_words=function_words())
    return Reading(text, uses, systems, steps, named, evidence, is_english)


def understand(
    prompt: str, *, node_kind: NodeKind | None = None, name: str | None = None, domain: str | None = None
) -> ParsedRequest:
    """What the prompt asks for. Hints (`node_kind`, `name`, `domain`) win over the text.

    Any prompt is accepted, also an empty one: what cannot be read becomes a question. A hinted name that cannot be a
    node's name is returned as it is, without a class name and with a question; gate G3 judges it.
    """
    reading = read(prompt)
    asked = asked_function(prompt, fields=field_hints(reading.text))
    if asked is not None and asked.is_bare and node_kind in {None, NodeKind.COMPUTE}:
        return bare_function_request(asked, name=name, domain=domain)
    parsed = _understood(prompt, reading, node_kind=node_kind, name=name, domain=domain, asked=asked)
    if asked is None or parsed.node_kind is not NodeKind.COMPUTE:
        return parsed
    return replace(parsed, signature=asked.signature, examples=asked.examples)


def _understood(
    prompt: str,
    reading: Reading,
    *,
    node_kind: NodeKind | None,
    name: str | None,
    domain: str | None,
    asked: AskedFunction | None,
) -> ParsedRequest:
    kind, kind_sure = _decided_kind(reading, node_kind)
    if kind is None and asked is not None and asked.is_spelled:
        kind, kind_sure = NodeKind.COMPUTE, SPELLED_KIND_CONFIDENCE
    finding = NameFinding(name, sure.HINT_CONFIDENCE, "given") if name else reading.said_name
    problem = name_problem(name) if name else None
    is_name_said = finding is not None
    if finding is None and asked is not None and asked.is_spelled and kind is NodeKind.COMPUTE:
        finding = name_of(asked)
    if finding is None:
        finding = derived_name(reading.text, reading.uses, kind=kind)
    name_sure = 0.0 if problem else sure.name_confidence(finding, is_english=reading.is_english)
    found_domain = find_domain(reading.text, name=finding.name if finding else None)
    doing = operations(reading.uses)
    ranked = [k for k, score in reading.evidence.ranked if score > 0 and k is not kind]
    return ParsedRequest(
        node_kind=kind,
        name=finding.name if finding else None,
        class_name=class_name(finding.name, kind) if finding and kind and not problem else None,
        domain=domain or found_domain.domain,
        description=describe(reading.text.clean),
        operations=doing,
        external_systems=implied_systems(reading.systems, doing) if kind is NodeKind.EFFECT else reading.systems,
        features=wanted_features(reading.text),
        contract_hints=contract_hints(prompt),
        confidence=sure.overall_confidence(
            kind_sure, name_sure, is_name_said=is_name_said, is_english=reading.is_english
        ),
        questions=open_questions(
            kind=kind,
            kind_confidence=kind_sure,
            said_kinds=() if node_kind else reading.evidence.said,
            runner_up=ranked[0] if ranked else None,
            name=finding.name if finding else None,
            name_confidence=name_sure,
            operations=doing,
            is_english=reading.is_english,
            name_problem=problem,
        ),
        kind_confidence=kind_sure,
        name_confidence=name_sure,
        fields=field_hints(reading.text),
        steps=reading.steps if kind is NodeKind.ORCHESTRATOR else (),
        reasons=(*reading.evidence.reasons, *((f"name: {finding.reason}",) if finding else ())),
    )


def _decided_kind(reading: Reading, hint: NodeKind | None) -> tuple[NodeKind | None, float]:
    if hint is not None:
        return hint, sure.HINT_CONFIDENCE
    value = sure.kind_confidence(reading.evidence, is_english=reading.is_english)
    if reading.evidence.said or value >= sure.MIN_KIND_CONFIDENCE:
        return reading.evidence.best, value
    return None, 0.0
