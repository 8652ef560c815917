"""The recipe of a generation: all that decided its bytes beside what models answered. Kept with its record as text.

With the recorded answers it generates the same node again. Versions are in it to explain a difference; they are not
brought back.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, get_args

from omniclaude_dagster.errors import RequestError, StorageError
from omniclaude_dagster.node.bundle import content_hashes
from omniclaude_dagster.providers.chains import Chains, ResolvedChain, StageName
from omniclaude_dagster.providers.model import ModelCall
from omniclaude_dagster.request.intake import request_from_mapping
from omniclaude_dagster.request.model import AcceptedRequest, NodeKind
from omniclaude_dagster.stages.model import EarlierGeneration, GenerationResult
from omniclaude_dagster.stages.state import Gateways, GenerationState

_FORMAT = 1


@dataclass(frozen=True)
class Recipe:
    """What was asked, offered and used.

    `chains`: the models that each stage could ask; empty in mode fast. `earlier`: correlation ids of the generations
    that stage 1.5 found, best first. `merged`: only where a person's edits were merged into what was generated, the
    SHA-256 of each file as it was generated; the edits themselves are nowhere in the records.
    """

    accepted: AcceptedRequest
    versions: Mapping[str, str] = field(default_factory=dict)
    chains: Mapping[str, ResolvedChain] = field(default_factory=dict)
    earlier: tuple[uuid.UUID, ...] = ()
    merged: Mapping[str, str] = field(default_factory=dict)

    def as_text(self) -> str:
        """One line of ASCII: the order of keys and every character survive any database."""
        document = {
            "format": _FORMAT,
            "request_id": self.accepted.request_id,
            "source": self.accepted.source,
            "content_hash": self.accepted.content_hash,
            "request": self.accepted.request.model_dump(mode="json"),
            "versions": dict(self.versions),
            "chains": {stage: asdict(chain) for stage, chain in self.chains.items()},
            "earlier": [str(correlation_id) for correlation_id in self.earlier],
            "merged": dict(self.merged),
        }
        return json.dumps(document, ensure_ascii=True)


@dataclass(frozen=True)
class RecordedGeneration:
    """A generation as the records can bring it back. `calls` in the order in which they were made."""

    result: GenerationResult
    recipe: Recipe
    calls: tuple[ModelCall, ...] = ()
    earlier: tuple[EarlierGeneration, ...] = ()

    @property
    def correlation_id(self) -> uuid.UUID:
        """Of the generation then, hence of its replay."""
        return uuid.UUID(self.result.correlation_id)


@dataclass(frozen=True)
class RecordedHistory:
    """Implements GenerationHistory: stage 1.5 finds what it found then, and nothing that came later."""

    found: tuple[EarlierGeneration, ...]

    def published(self, *, node_kind: NodeKind, limit: int) -> tuple[EarlierGeneration, ...]:
        """The generations found then, best first."""
        return tuple(e for e in self.found if e.node_kind is node_kind)[:limit]


@dataclass(frozen=True)
class RecordedChains(Chains):
    """Chains that are what they were then, whichever models are configured now."""

    recorded: Mapping[str, ResolvedChain] = field(default_factory=dict)

    def resolve(self, stage: str, *, usable: Sequence[str]) -> ResolvedChain:
        """The recorded chain of the stage; for a stage that none was recorded of, whatever can be replayed."""
        return self.recorded.get(stage) or super().resolve(stage, usable=usable)


def recipe_of(state: GenerationState, gateways: Gateways, *, versions: Mapping[str, str]) -> Recipe:
    """The recipe of a generation that went through its stages with these gateways."""
    stages = get_args(StageName) if state.may_ask_models else ()
    return Recipe(
        accepted=state.accepted,
        versions=versions,
        chains={stage: gateways.chain_for(stage) for stage in stages},
        earlier=tuple(e.correlation_id for e in state.earlier if e.correlation_id is not None),
        merged=generated_hashes(state) if state.update else {},
    )


def generated_hashes(state: GenerationState) -> dict[str, str]:
    """SHA-256 of each file as it was generated, without what a person's edits made of it."""
    bundle = state.update.generated if state.update else state.bundle
    files = bundle.files if bundle else {}
    return content_hashes(files)


def recipe_from_text(text: str) -> Recipe:
    """What `as_text` gave. Raises StorageError for anything else."""
    try:
        document: dict[str, Any] = json.loads(text)
        accepted = AcceptedRequest(
            document["request_id"], request_from_mapping(document["request"]), document["source"]
        )
        recipe = Recipe(
            accepted=accepted,
            versions={str(name): str(value) for name, value in document["versions"].items()},
            chains={stage: _chain(chain) for stage, chain in document["chains"].items()},
            earlier=tuple(uuid.UUID(correlation_id) for correlation_id in document["earlier"]),
            merged={str(path): str(sha256) for path, sha256 in document["merged"].items()},
        )
        is_intact = document["format"] == _FORMAT and document["content_hash"] == accepted.content_hash
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, RequestError):
        is_intact = False
    if not is_intact:
        raise StorageError(
            "what was recorded of this request is damaged, or was written by a newer release.",
            cure="generate it again, or update omniclaude",
        )
    return recipe


def _chain(document: Mapping[str, Any]) -> ResolvedChain:
    return ResolvedChain(
        models=tuple(map(str, document["models"])),
        tries_per_model=int(document["tries_per_model"]),
        skipped=tuple(map(str, document["skipped"])),
    )
