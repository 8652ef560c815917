"""Seeded, believable patterns in any number, no two alike, and requests that resemble some of them.

Sentences are put together from the words of real requests; bodies are short functions. Measures nothing.
"""

import hashlib
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from omniclaude_dagster.patterns.model import Pattern, PatternQuery
from omniclaude_dagster.request.model import NodeKind

NOW = datetime(2026, 6, 1, tzinfo=UTC)
_NAMESPACE = uuid.UUID("c8a9d0c6-3b37-4f0c-8d0e-6f6a0c1b2d3e")
_DAYS = 400
_KINDS = (NodeKind.COMPUTE, NodeKind.EFFECT, NodeKind.REDUCER, NodeKind.ORCHESTRATOR)
_SHARES = (60, 22, 11, 7)
_VERBS = {
    NodeKind.COMPUTE: (
        "calculates computes validates converts normalises parses formats compares ranks sorts filters merges splits"
        " rounds estimates classifies counts extracts encodes decodes checks scores groups joins reverses"
    ).split(),
    NodeKind.EFFECT: "writes reads sends stores publishes fetches updates deletes uploads downloads archives".split(),
    NodeKind.REDUCER: "aggregates accumulates averages totals tracks deduplicates summarises windows".split(),
    NodeKind.ORCHESTRATOR: "coordinates orchestrates schedules runs retries synchronises".split(),
}
_SYSTEMS = ("PostgreSQL", "Redis", "Kafka", "S3", "HTTP API", "SMTP", "MongoDB", "Elasticsearch", "Files", "RabbitMQ")
_OWNERS = (
    "customer order invoice user player sensor account shipment product employee patient student vehicle ticket event"
    " session payment subscription warehouse supplier booking hotel flight route contract campaign device meter article"
    " comment message document report project task team region store basket coupon refund loan policy claim tenant"
).split()
_THINGS = (
    "total price tax discount rate score balance address name email phone postcode timestamp duration distance weight"
    " temperature humidity pressure speed voltage currency amount quantity stock level rating review status category"
    " label tag token checksum signature identifier number code list string text sentence matrix vector histogram"
    " median variance percentile trend forecast interval date month quarter year schedule quota limit threshold margin"
    " commission fee deposit interest premium penalty bonus salary attendance grade rank position latitude longitude"
).split()
_ADJECTIVES = (
    "monthly daily weekly overdue active duplicate missing negative rounded weighted average maximal minimal sorted"
    " nested unique recent expired pending cancelled partial gross net compressed encrypted masked localised"
).split()
_CONDITIONS = (
    "and refuses negative values",
    "with at most {number} entries",
    "rounded to {digit} decimals",
    "ignoring everything older than {number} days",
    "within a window of {number} minutes",
    "grouped by {owner}",
    "for each {owner} and {thing}",
    "when the {thing} exceeds {number}",
    "and returns an empty list when nothing fits",
    "with retries after {digit} seconds",
    "without changing the order of the {thing}s",
    "in batches of {number}",
    "and raises an error for an unknown {thing}",
    "starting with the largest {thing}",
)
_BODY = '''def {function}({first}: float, {second}: list[float]) -> float:
    """{summary}"""
    kept = [value for value in {second} if value > {number}]
    if not kept:
        return 0.0
    return round({first} * {factor} + sum(kept) / len(kept), {digit})
'''


def patterns(count: int, *, seed: int = 1, kind: NodeKind | None = None) -> Iterator[Pattern]:
    """`count` patterns; all of one kind where that is given."""
    chance = random.Random(seed)
    for number in range(count):
        yield _pattern(number, chance, kind or chance.choices(_KINDS, _SHARES)[0])


def queries(count: int, *, seed: int = 2, limit: int = 5, kind: NodeKind | None = None) -> list[PatternQuery]:
    """Requests made of the same words, with fields; some of an EFFECT's name its system."""
    chance = random.Random(seed)
    return [_query(chance, kind or chance.choices(_KINDS, _SHARES)[0], limit) for _ in range(count)]


def _sentence(chance: random.Random, kind: NodeKind, systems: tuple[str, ...]) -> str:
    words = {
        "number": chance.randint(2, 9_999),
        "digit": chance.randint(1, 6),
        "owner": chance.choice(_OWNERS),
        "thing": chance.choice(_THINGS),
    }
    condition = chance.choice(_CONDITIONS).format(**words)
    where = f" to {systems[0]}" if systems else ""
    return (
        f"{kind.value} node that {chance.choice(_VERBS[kind])} the {chance.choice(_ADJECTIVES)} "
        f"{chance.choice(_THINGS)} of a {chance.choice(_OWNERS)}{where} {condition}"
    )


def _systems(chance: random.Random, kind: NodeKind) -> tuple[str, ...]:
    return (chance.choice(_SYSTEMS),) if kind is NodeKind.EFFECT else ()


def _query(chance: random.Random, kind: NodeKind, limit: int) -> PatternQuery:
    systems = _systems(chance, kind)
    inputs = {chance.choice(_THINGS): "float", f"{chance.choice(_OWNERS)}_values": "list[float]"}
    sentence = _sentence(chance, kind, systems)
    wanted = systems if chance.random() < 0.5 else ()
    return PatternQuery(sentence, kind, wanted, inputs=inputs, outputs={"result": "float"}, limit=limit, now=NOW)


def _pattern(number: int, chance: random.Random, kind: NodeKind) -> Pattern:
    systems = _systems(chance, kind)
    first, second = chance.choice(_THINGS), f"{chance.choice(_OWNERS)}_values"
    description = _sentence(chance, kind, systems)
    name = f"{chance.choice(_OWNERS)}_{chance.choice(_THINGS)}"
    code = _BODY.format(
        function=name,
        first=first,
        second=second,
        summary=f"{description}.",
        number=chance.randint(0, 999),
        factor=number + 2,
        digit=chance.randint(0, 6),
    )
    class_name = "".join(part.title() for part in name.split("_"))
    digest = hashlib.sha256(code.encode()).hexdigest()
    return Pattern(
        pattern_id=uuid.uuid5(_NAMESPACE, str(number)),
        pattern_type="workflow" if kind is NodeKind.ORCHESTRATOR else "code",
        name=name,
        description=description,
        node_kind=kind,
        domain="general",
        systems=systems,
        function=name,
        code=code,
        inputs={first: "float", second: "list[float]"},
        outputs={"result": "float"},
        input_class=f"Model{class_name}Input",
        output_class=f"Model{class_name}Output",
        contract=f"name: {name}\nnode_type: {kind.value}\nversion: 1.0.0\ndescription: {description}\n",
        models={f"models/model_{name}_input.py": f"class Model{class_name}Input: ...\n"},
        request={"prompt": description, "mode": "balanced"},
        examples=({"input": {first: 1.0, second: []}, "output": {"result": 0.0}},),
        origin="model",
        quality_score=round(0.95 + 0.05 * chance.random(), 4),
        models_used=("local-model",),
        core_version="0.47.57",
        source="generation",
        request_id=f"request-{number}",
        correlation_id=uuid.uuid5(_NAMESPACE, f"generation {number}"),
        created_at=NOW - timedelta(days=_DAYS * chance.random()),
        content_hash=digest,
        code_fingerprint=hashlib.sha256(f"{number} {digest}".encode()).hexdigest(),
        reuse_conditions=(f"The node is of kind {kind.value}.",),
    )
