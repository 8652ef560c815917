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
from omniclaude_dagster.patterns.model import Found, Offer, PatternQuery, StoredPattern
from omniclaude_dagster.providers.chains import Chains, ResolvedChain, StageName
from omniclaude_dagster.providers.model import ModelCall
from omniclaude_dagster.quorum.model import Panel, Seat, Thresholds
from omniclaude_dagster.quorum.panel import STAGE as QUORUM_STAGE
from omniclaude_dagster.quorum.panel import resolved
from omniclaude_dagster.request.intake import request_from_mapping
from omniclaude_dagster.request.model import AcceptedRequest
from omniclaude_dagster.stages.model import GenerationResult
from omniclaude_dagster.stages.state import Gateways, GenerationState

_FORMAT = 2
# Releases of format 1 reused generations where there are patterns now.
_FORMATS = frozenset({1, _FORMAT})


@dataclass(frozen=True)
class Recipe:
    """What was asked, offered and used.

    `chains`: the models that each stage could ask; empty in mode fast. `patterns`: ids of the patterns that stage 1.5
    offered, best first; `earlier`: in their place, correlation ids of generations, in a recipe of format 1. `merged`:
    only where a person's edits were merged into what was generated, the SHA-256 of each file as it was generated; the
    edits themselves are nowhere in the records.
    """

    accepted: AcceptedRequest
    versions: Mapping[str, str] = field(default_factory=dict)
    chains: Mapping[str, ResolvedChain] = field(default_factory=dict)
    patterns: tuple[uuid.UUID, ...] = ()
    earlier: tuple[uuid.UUID, ...] = ()
    merged: Mapping[str, str] = field(default_factory=dict)
    # Who could be asked to vote; None outside mode strict.
    panel: Panel | None = None

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
            "patterns": [str(pattern_id) for pattern_id in self.patterns],
            "merged": dict(self.merged),
            "panel": None if self.panel is None else _panel_document(self.panel),
        }
        return json.dumps(document, ensure_ascii=True)


@dataclass(frozen=True)
class RecordedGeneration:
    """A generation as the records can bring it back. `calls` in the order in which they were made."""

    result: GenerationResult
    recipe: Recipe
    calls: tuple[ModelCall, ...] = ()
    # Those of the recipe's that are still there.
    patterns: tuple[StoredPattern, ...] = ()

    @property
    def correlation_id(self) -> uuid.UUID:
        """Of the generation then, hence of its replay."""
        return uuid.UUID(self.result.correlation_id)


@dataclass(frozen=True)
class RecordedFinder:
    """Implements PatternFinder: stage 1.5 finds what it was offered then, and nothing that came later."""

    stored: tuple[StoredPattern, ...] = ()

    def find(self, query: PatternQuery) -> Found:
        """The patterns offered then, best first."""
        offers = (Offer(s, 1.0, {}, ("offered then",)) for s in self.stored if s.pattern.node_kind is query.node_kind)
        return Found(tuple(offers), len(self.stored))


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
        patterns=tuple(offer.pattern.pattern_id for offer in state.offers),
        merged=generated_hashes(state) if state.update else {},
        panel=_panel_of(state, gateways),
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
            patterns=tuple(map(uuid.UUID, document.get("patterns", ()))),
            earlier=tuple(map(uuid.UUID, document.get("earlier", ()))),
            merged={str(path): str(sha256) for path, sha256 in document["merged"].items()},
            panel=_panel(document["panel"]) if document.get("panel") else None,
        )
        is_intact = document["format"] in _FORMATS and document["content_hash"] == accepted.content_hash
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


def _panel_of(state: GenerationState, gateways: Gateways) -> Panel | None:
    if state.quorum is None or gateways.panel is None:
        return None
    return resolved(gateways.panel, usable=gateways.models.candidates(QUORUM_STAGE))


def _panel_document(panel: Panel) -> dict[str, Any]:
    seats = [{"name": seat.name, "weight": seat.weight, "models": list(seat.models)} for seat in panel.seats]
    return {"name": panel.name, "seats": seats, "thresholds": asdict(panel.thresholds)}


def _panel(document: Mapping[str, Any]) -> Panel:
    seats = tuple(
        Seat(str(seat["name"]), float(seat["weight"]), tuple(map(str, seat["models"]))) for seat in document["seats"]
    )
    thresholds = Thresholds(**{str(name): float(value) for name, value in document["thresholds"].items()})
    return Panel(str(document["name"]), seats, thresholds, is_as_given=True)
