"""Makes patterns: the one way into the library, whoever brings one.

Content comes from requests, models and other services and stays untrusted: it is held to sizes and to plain text
(`checks.py`), and its code is parsed, never executed. Whether a pattern is worth keeping (`model.MIN_QUALITY`) is the
caller's question.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

from omniclaude_dagster.node.blueprint import LogicOrigin
from omniclaude_dagster.patterns.checks import check_content, one_of, refusal
from omniclaude_dagster.patterns.fingerprint import canonical_json, code_fingerprint, content_hash
from omniclaude_dagster.patterns.model import Pattern, PatternSource, PatternType
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.request.understanding.python_text import NotPythonError

# A pattern must fit into one line of an exported file.
MAX_PATTERN_BYTES = 900 * 1024
# Never to be changed: the same code has the same id in every library.
_NAMESPACE = uuid.UUID("0d7f2b7e-6b53-5c1c-9a55-6d2d6a5f9a10")
_NO_ID = uuid.UUID(int=0)
_CLASS = re.compile(r"^class ([A-Za-z_][A-Za-z0-9_]*)", re.MULTILINE)
_GENERATED_CLASS = re.compile(r"\b(?:Model|Enum)[A-Z][A-Za-z0-9]*")
_ORIGINS = frozenset(get_args(LogicOrigin)) - {"scaffold"}
_MAX_SHOWN_FIELDS = 12
_MAX_CONDITION_CHARS = 500


def make_pattern(
    *,
    name: str,
    description: str,
    node_kind: NodeKind,
    domain: str,
    systems: Sequence[str],
    function: str,
    code: str,
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    input_class: str,
    output_class: str,
    contract: str,
    models: Mapping[str, str],
    request: Mapping[str, Any],
    examples: Sequence[Mapping[str, Any]],
    origin: str,
    quality_score: float,
    models_used: Sequence[str],
    core_version: str,
    source: PatternSource,
    request_id: str,
    correlation_id: uuid.UUID,
    created_at: datetime | None = None,
    pattern_type: PatternType | None = None,
    reuse_conditions: Sequence[str] | None = None,
) -> Pattern:
    """A checked pattern. Its id follows from its code: the same work has the same id in every library.

    Without `reuse_conditions` they are written from kind, systems and fields; without `pattern_type` an orchestrator is
    a workflow, and everything else is code. Raises RequestError that names the field and what it accepts.
    """
    one_of("node_kind", node_kind, [kind.value for kind in NodeKind])
    one_of("source", source, get_args(PatternSource))
    one_of("origin", origin, _ORIGINS)
    kind = NodeKind(node_kind)
    type_ = pattern_type or ("workflow" if kind is NodeKind.ORCHESTRATOR else "code")
    one_of("pattern_type", type_, get_args(PatternType))
    pattern = Pattern(
        pattern_id=_NO_ID,
        pattern_type=type_,
        name=name,
        description=description,
        node_kind=kind,
        domain=domain,
        systems=tuple(dict.fromkeys(systems)),
        function=function,
        code=code,
        inputs=dict(inputs),
        outputs=dict(outputs),
        input_class=input_class,
        output_class=output_class,
        contract=contract,
        models=dict(models),
        request=dict(request),
        examples=tuple(dict(example) for example in examples),
        origin=origin,
        quality_score=quality_score,
        models_used=tuple(models_used),
        core_version=core_version,
        source=source,
        request_id=request_id,
        correlation_id=correlation_id,
        created_at=created_at or datetime.now(UTC),
        content_hash="",
        code_fingerprint="",
        reuse_conditions=tuple(reuse_conditions or ()),
    )
    check_content(pattern)
    return _identified(pattern if reuse_conditions is not None else _with_conditions(pattern))


def _identified(pattern: Pattern) -> Pattern:
    """The checked pattern with its id and hashes."""
    try:
        fingerprint = code_fingerprint(
            pattern.code,
            function=pattern.function,
            own_classes=_own_classes(pattern),
            node_kind=pattern.node_kind,
            inputs=pattern.inputs,
            outputs=pattern.outputs,
        )
    except NotPythonError as exc:
        raise refusal("code", f"cannot be used: {exc}", f"give a module that defines {pattern.function}") from None
    identified = replace(pattern, pattern_id=uuid.uuid5(_NAMESPACE, fingerprint), code_fingerprint=fingerprint)
    size = len(canonical_json([getattr(identified, name) for name in ("contract", "models", "request", "examples")]))
    size += len(canonical_json([identified.code, identified.description]))
    if size > MAX_PATTERN_BYTES:
        raise refusal("content", f"has {size:,} bytes as JSON", f"give at most {MAX_PATTERN_BYTES:,}")
    return replace(identified, content_hash=content_hash(identified))


def _own_classes(pattern: Pattern) -> frozenset[str]:
    """The classes that exist only in this node: those of its model files, and generated ones that its fields name."""
    types = " ".join([*pattern.inputs.values(), *pattern.outputs.values()])
    files = "\n".join(pattern.models.values())
    return frozenset(
        {pattern.input_class, pattern.output_class, *_CLASS.findall(files), *_GENERATED_CLASS.findall(types)}
    )


def _with_conditions(pattern: Pattern) -> Pattern:
    """The pattern with sentences that say when its body can be reused."""
    systems = (
        f"The node uses {' and '.join(pattern.systems)}." if pattern.systems else "The node uses no outside system."
    )
    sentences = [
        f"The node is of kind {pattern.node_kind.value}.",
        systems,
        f"The input has {_listed(pattern.inputs)}.",
        f"The output has {_listed(pattern.outputs)}.",
    ]
    return replace(pattern, reuse_conditions=tuple(sentence[:_MAX_CONDITION_CHARS] for sentence in sentences))


def _listed(types: Mapping[str, str]) -> str:
    if not types:
        return "no fields"
    shown = [f"{name} ({type_})" for name, type_ in list(types.items())[:_MAX_SHOWN_FIELDS]]
    more = len(types) - len(shown)
    return f"the fields {', '.join(shown)}" + (f" and {more} more" if more else "")
