"""A pattern store in memory, an embedder that counts letters, and a builder of patterns.

The store keeps the promises of `PatternStore` (order of revisions, duplicates, counts); a test says when it is away.
"""

import hashlib
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from omniclaude_dagster.errors import EmbeddingUnavailableError, IndexUnavailableError, RecordsUnavailableError
from omniclaude_dagster.patterns.model import (
    Added,
    Pattern,
    PatternChange,
    PatternStatus,
    StoredPattern,
    Vectors,
)
from omniclaude_dagster.request.model import NodeKind

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
_NAMESPACE = uuid.UUID("5f0f2d0c-4f5e-4f0e-9a57-3a2f7c1d9e10")


def pattern_for(description: str, **overrides: Any) -> Pattern:
    """A believable pattern; another description gives other code, so another fingerprint and id.

    `overrides` are fields of Pattern. Ids and hashes follow from the description unless they are given.
    """
    digest = hashlib.sha256(description.encode("utf-8", "surrogatepass")).hexdigest()
    factor = int(digest[:8], 16)
    values: dict[str, Any] = {
        "pattern_id": uuid.uuid5(_NAMESPACE, digest),
        "pattern_type": "code",
        "name": "value_scaler",
        "description": description,
        "node_kind": NodeKind.COMPUTE,
        "domain": "general",
        "systems": (),
        "function": "scale_value",
        "code": f"def scale_value(number: int) -> int:\n    return number * {factor}\n",
        "inputs": {"number": "int"},
        "outputs": {"result": "int"},
        "input_class": "ModelValueScalerInput",
        "output_class": "ModelValueScalerOutput",
        "contract": "name: value_scaler\n",
        "models": {"models/model_value_scaler_input.py": "class ModelValueScalerInput: ...\n"},
        "request": {"prompt": description, "mode": "balanced"},
        "examples": ({"input": {"number": 1}, "output": {"result": factor}},),
        "origin": "model",
        "quality_score": 0.98,
        "models_used": ("small-model",),
        "core_version": "0.47.57",
        "source": "generation",
        "request_id": f"request-{digest[:12]}",
        "correlation_id": uuid.uuid5(_NAMESPACE, f"generation {digest}"),
        "created_at": MOMENT,
        "content_hash": hashlib.sha256(f"content {digest}".encode()).hexdigest(),
        "code_fingerprint": hashlib.sha256(f"code {digest}".encode()).hexdigest(),
        "reuse_conditions": (),
    }
    unknown = overrides.keys() - {field.name for field in fields(Pattern)}
    assert not unknown, f"a pattern has no {sorted(unknown)}"
    return Pattern(**(values | overrides))


class MemoryPatternStore:
    """Implements PatternStore. `is_away` makes every call raise RecordsUnavailableError."""

    def __init__(self, patterns: Sequence[Pattern] = ()) -> None:
        self.is_away = False
        self.calls: list[str] = []
        self._lock = threading.RLock()
        self._rows: dict[uuid.UUID, StoredPattern] = {}
        self._vectors: dict[uuid.UUID, Vectors] = {}
        self._seen: set[tuple[uuid.UUID, uuid.UUID]] = set()
        self._revision = 0
        for pattern in patterns:
            self.add_pattern(pattern, vector=None, embedding_model="")

    def pattern_revision(self) -> int:
        """Number of the last change."""
        with self._call("pattern_revision"):
            return self._revision

    def pattern_changes(self, after_revision: int, *, limit: int, with_vectors: bool = True) -> list[PatternChange]:
        """The next changes."""
        with self._call("pattern_changes"):
            rows = sorted(
                (row for row in self._rows.values() if row.revision > after_revision), key=lambda row: row.revision
            )
            return [change_of(row, self._vectors.get(row.pattern_id) if with_vectors else None) for row in rows[:limit]]

    def patterns(self, pattern_ids: Sequence[uuid.UUID]) -> tuple[StoredPattern, ...]:
        """Those that are there, in this order."""
        with self._call("patterns"):
            return tuple(self._rows[one] for one in pattern_ids if one in self._rows)

    def add_pattern(self, pattern: Pattern, *, vector: Vectors | None, embedding_model: str) -> Added:
        """New, or one more use of its duplicate; the same generation counts once."""
        with self._call("add_pattern"):
            known = next(
                (row for row in self._rows.values() if row.pattern.code_fingerprint == pattern.code_fingerprint), None
            )
            target = known.pattern_id if known else pattern.pattern_id
            mark = (target, pattern.correlation_id)
            if mark not in self._seen:
                self._seen.add(mark)
                if known is None:
                    self._put(StoredPattern(pattern, average_quality_score=pattern.quality_score))
                    self._set_vector(target, vector, embedding_model)
                else:
                    self._put(replace(known, usage_count=known.usage_count + 1, last_used=pattern.created_at))
            return Added(target, is_new=known is None)

    def patterns_to_embed(self, embedding_model: str, *, limit: int) -> list[tuple[uuid.UUID, str]]:
        """Those without a vector of this model, oldest first."""
        with self._call("patterns_to_embed"):
            rows = [
                row for row in self._rows.values() if row.status != "retired" and row.embedding_model != embedding_model
            ]
            rows.sort(key=lambda row: (row.pattern.created_at, row.pattern_id))
            return [(row.pattern_id, row.pattern.text) for row in rows[:limit]]

    def set_embeddings(self, embedding_model: str, vectors: Mapping[uuid.UUID, Vectors]) -> None:
        """Replace vectors; ids that are gone are left out."""
        with self._call("set_embeddings"):
            for pattern_id, vector in vectors.items():
                if pattern_id in self._rows:
                    self._set_vector(pattern_id, vector, embedding_model)

    def set_pattern_status(self, pattern_ids: Sequence[uuid.UUID], status: PatternStatus, *, reason: str) -> int:
        """The number that changed."""
        with self._call("set_pattern_status"):
            changed = [one for one in pattern_ids if one in self._rows and self._rows[one].status != status]
            for one in changed:
                self._put(replace(self._rows[one], status=status, status_reason=reason))
            return len(changed)

    def change(self, pattern_id: uuid.UUID, **values: Any) -> None:
        """What another process, or an earlier generation, did to a pattern: fields of StoredPattern."""
        with self._lock:
            self._put(replace(self._rows[pattern_id], **values))

    def row(self, pattern_id: uuid.UUID) -> StoredPattern:
        """A pattern as it stands, also while the store is away."""
        return self._rows[pattern_id]

    def _set_vector(self, pattern_id: uuid.UUID, vector: Vectors | None, embedding_model: str) -> None:
        if vector is not None:
            self._vectors[pattern_id] = np.array(vector, dtype=np.float32)
            self._put(replace(self._rows[pattern_id], embedding_model=embedding_model))

    def _put(self, row: StoredPattern) -> None:
        self._revision += 1
        self._rows[row.pattern_id] = replace(row, revision=self._revision)

    def _call(self, name: str) -> threading.RLock:
        self.calls.append(name)
        if self.is_away:
            raise RecordsUnavailableError("the records' database does not answer.", cure="start it")
        return self._lock


def change_of(row: StoredPattern, vector: Vectors | None) -> PatternChange:
    """What the catalogue is told of a pattern."""
    return PatternChange(
        pattern_id=row.pattern_id,
        revision=row.revision,
        status=row.status,
        node_kind=row.pattern.node_kind,
        systems=row.pattern.systems,
        text=row.pattern.text,
        quality_score=row.pattern.quality_score,
        success_rate=row.success_rate,
        fresh_at=max(row.pattern.created_at, row.last_used or row.pattern.created_at),
        embedding_model=row.embedding_model,
        vector=vector,
    )


class LetterEmbedder:
    """Counts letters: texts of the same letters are near, no weights needed. `is_away` makes it raise."""

    def __init__(self, *, model_name: str = "letters", dimension: int = 26) -> None:
        self.is_away = False
        self.embedded: list[str] = []
        self._model_name = model_name
        self._dimension = dimension

    @property
    def model_name(self) -> str:
        return self._model_name

    @property
    def dimension(self) -> int:
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        if self.is_away:
            raise EmbeddingUnavailableError("the embedding model does not answer.", cure="start it")
        self.embedded += texts
        rows = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for letter in text.lower():
                if "a" <= letter <= "z":
                    row[(ord(letter) - ord("a")) % self._dimension] += 1
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)


class BrokenIndex:
    """A vector index that is away until `is_away` is unset; then it passes on to the one it stands before."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.is_away = True
        self.calls: list[str] = []

    @property
    def name(self) -> str:
        return "qdrant"

    @property
    def needs_vectors(self) -> bool:
        return True

    def apply(self, changes: Sequence[PatternChange]) -> None:
        self._reach("apply")
        self.inner.apply(changes)

    def nearest(
        self, vector: Vectors, *, node_kind: NodeKind, systems: tuple[str, ...], limit: int
    ) -> Sequence[tuple[uuid.UUID, float]]:
        self._reach("nearest")
        found: Sequence[tuple[uuid.UUID, float]] = self.inner.nearest(
            vector, node_kind=node_kind, systems=systems, limit=limit
        )
        return found

    def vectors(self, pattern_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Vectors]:
        self._reach("vectors")
        found: Mapping[uuid.UUID, Vectors] = self.inner.vectors(pattern_ids)
        return found

    def close(self) -> None:
        self.inner.close()

    def _reach(self, name: str) -> None:
        self.calls.append(name)
        if self.is_away:
            raise IndexUnavailableError("Qdrant does not answer.", cure="start it")


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds


def days_before(days: float) -> datetime:
    """A moment before `MOMENT`."""
    return MOMENT - timedelta(days=days)
