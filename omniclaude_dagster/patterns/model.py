"""The vocabulary of the pattern library: what a pattern is, what is asked of the library, and what it offers.

A pattern is a generation that was published and really executed. Its content never changes; what became of it (use,
success, status) is kept beside it. Everything in it that came from a request, a model or another service is
untrusted text: `shown.py` makes it fit for a model, and a reused body passes every gate like any other.

Who implements the protocols: `PatternStore` the records, `VectorIndex` the modules `*_index.py` and the records'
pgvector, `Embedder` the modules `embedding*.py`, `PatternFinder` the library itself.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from omniclaude_dagster.request.model import NodeKind

# Unit rows (length 1), or zeros where nothing could be embedded.
type Vectors = NDArray[np.float32]

PatternType = Literal["workflow", "code", "naming", "architecture", "error_handling", "testing"]
PatternStatus = Literal["active", "quarantined", "retired"]
PatternSource = Literal["generation", "service", "import"]
# What happened to a pattern in one generation, from the least to the most; of several the last is kept.
#   held_out   would have been offered, but the request belongs to the comparison group
#   offered    found by stage 1.5, not used by stage 3; or used, and the generation ended for another reason
#   shown      a model saw it as a worked example
#   rejected   its body was tried and did not satisfy the request's examples: no fault of the pattern
#   broken     its body was tried and no longer imports, or fails a gate: a fault of the pattern
#   reused     its body is the node's body
#   repeated   the generation came to the same code again on its own
ReuseRole = Literal["held_out", "offered", "shown", "rejected", "broken", "reused", "repeated"]
ROLES: tuple[ReuseRole, ...] = ("held_out", "offered", "shown", "rejected", "broken", "reused", "repeated")

MIN_QUALITY = 0.95


@dataclass(frozen=True)
class Pattern:
    """One proven solution (onex.md, section 5). Immutable; `content_hash` covers everything a reader relies on.

    `code` is the body as its node's logic.py holds it, `function` the function in it that does the work. `inputs` and
    `outputs` map field names to types: two tasks are the same when both are equal. `models` maps paths of the node's
    model files to their text. `request` is the request as JSON that can be given again.
    """

    pattern_id: uuid.UUID
    pattern_type: PatternType
    name: str
    description: str
    node_kind: NodeKind
    domain: str
    systems: tuple[str, ...]
    function: str
    code: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    input_class: str
    output_class: str
    contract: str
    models: Mapping[str, str]
    request: Mapping[str, Any]
    examples: tuple[Mapping[str, Any], ...]
    # Where the body came from, as `Logic.origin` says it: template, pattern, model, person.
    origin: str
    quality_score: float
    models_used: tuple[str, ...]
    core_version: str
    source: PatternSource
    request_id: str
    correlation_id: uuid.UUID
    created_at: datetime
    content_hash: str
    # Equal for two bodies that differ only in names of functions, classes and locals, comments and layout.
    code_fingerprint: str
    reuse_conditions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is embedded and searched for words: what a request would say, and the names of the fields."""
        fields = " ".join([*self.inputs, *self.outputs])
        return f"{self.description}\n{self.name} {self.node_kind.value.lower()} {' '.join(self.systems)} {fields}"


@dataclass(frozen=True)
class StoredPattern:
    """A pattern and what became of it. `success_rate` and `average_quality_score` are moving averages (weight 0.3)."""

    pattern: Pattern
    status: PatternStatus = "active"
    status_reason: str = ""
    usage_count: int = 0
    success_rate: float = 1.0
    average_quality_score: float = 1.0
    consecutive_failures: int = 0
    last_used: datetime | None = None
    # Empty while the pattern has no vector.
    embedding_model: str = ""
    revision: int = 0

    @property
    def pattern_id(self) -> uuid.UUID:
        """Id of the pattern."""
        return self.pattern.pattern_id


@dataclass(frozen=True)
class PatternChange:
    """What the in-process catalogue and the vector indexes need of a pattern that is new or has changed.

    `vector` is None where it was not asked for, or where `embedding_model` is empty.
    """

    pattern_id: uuid.UUID
    revision: int
    status: PatternStatus
    node_kind: NodeKind
    systems: tuple[str, ...]
    text: str
    quality_score: float
    success_rate: float
    # The later of creation and last use.
    fresh_at: datetime
    embedding_model: str
    vector: Vectors | None = None


@dataclass(frozen=True)
class PatternQuery:
    """What a request needs. `systems`: a pattern must use all of them. `inputs`, `outputs`: as in Pattern.

    `now` is the moment that recency is counted from.
    """

    text: str
    node_kind: NodeKind
    systems: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    limit: int = 5
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class Offer:
    """A pattern that stage 1.5 found. `parts` are the shares of the score (`ranking.WEIGHTS`), each in [0, 1].

    `reasons` say in words why it is offered, for the record and for people.
    """

    stored: StoredPattern
    score: float
    parts: Mapping[str, float]
    reasons: tuple[str, ...]

    @property
    def pattern(self) -> Pattern:
        """The pattern itself."""
        return self.stored.pattern


@dataclass(frozen=True)
class Found:
    """The answer of the library, best first. `degraded` names what was away, so that the record can say it."""

    offers: tuple[Offer, ...] = ()
    considered_count: int = 0
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True)
class PatternReuse:
    """What came of one pattern in one generation: a row of `pattern_reuse_stats`."""

    pattern_id: uuid.UUID
    role: ReuseRole
    rank: int
    score: float
    reasons: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True)
class Added:
    """What storing did. A duplicate adds to the usage of the pattern that is there already."""

    pattern_id: uuid.UUID
    is_new: bool


class PatternFinder(Protocol):
    """What stage 1.5 asks (implemented by `library.PatternLibrary`)."""

    def find(self, query: PatternQuery) -> Found:
        """Ranked patterns. Never raises for a part that is away: it says so in `degraded`."""
        ...


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def model_name(self) -> str:
        """Name that is kept with every vector: vectors of two models are never compared."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit row a text, float32. Raises EmbeddingUnavailableError."""
        ...


class VectorIndex(Protocol):
    """Finds patterns by meaning. Derived data: it can always be filled again from the store.

    Every index answers exactly or says so: same vectors, same neighbours, whichever backend. Raises
    IndexUnavailableError when it is away.
    """

    @property
    def name(self) -> str:
        """`embedded`, `pgvector` or `qdrant`."""
        ...

    @property
    def needs_vectors(self) -> bool:
        """Whether `apply` wants changes with their vectors; false where the store itself holds the index."""
        ...

    def apply(self, changes: Sequence[PatternChange]) -> None:
        """Take over changes in order of revision: active ones with a vector of this index's model go in, others out."""
        ...

    def nearest(
        self, vector: Vectors, *, node_kind: NodeKind, systems: tuple[str, ...], limit: int
    ) -> Sequence[tuple[uuid.UUID, float]]:
        """Ids and cosine similarities of the nearest, best first; ties by id."""
        ...

    def vectors(self, pattern_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Vectors]:
        """The vectors of those ids that the index holds."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class PatternStore(Protocol):
    """The patterns in the system of record. Raises RecordsUnavailableError while that is away."""

    def pattern_revision(self) -> int:
        """Grows with every change, by any process; 0 for an empty library. Cheap: asked before every search."""
        ...

    def pattern_changes(self, after_revision: int, *, limit: int, with_vectors: bool = True) -> Sequence[PatternChange]:
        """The next changes in order of revision, at most `limit`; each pattern once, as it is now."""
        ...

    def patterns(self, pattern_ids: Sequence[uuid.UUID]) -> tuple[StoredPattern, ...]:
        """Those patterns, in this order; ids that are gone are left out."""
        ...

    def add_pattern(self, pattern: Pattern, *, vector: Vectors | None, embedding_model: str) -> Added:
        """Store it, or add to the usage of its duplicate. Adding the same one twice changes nothing the second time."""
        ...

    def patterns_to_embed(self, embedding_model: str, *, limit: int) -> Sequence[tuple[uuid.UUID, str]]:
        """Id and text of patterns whose vector is missing or of another model, oldest first; retired ones are left."""
        ...

    def set_embeddings(self, embedding_model: str, vectors: Mapping[uuid.UUID, Vectors]) -> None:
        """Replace the vectors of these patterns."""
        ...

    def set_pattern_status(self, pattern_ids: Sequence[uuid.UUID], status: PatternStatus, *, reason: str) -> int:
        """Change the status; the number that really changed."""
        ...
