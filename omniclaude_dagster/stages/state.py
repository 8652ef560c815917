"""What a generation carries from stage to stage, and what its stages may reach.

`GenerationState` is replaced, never changed: a stage that dies leaves the state before it.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from omniclaude_dagster.artifact.store import NodeStore, PublishedNode
from omniclaude_dagster.artifact.update import Update
from omniclaude_dagster.contracts.profile import CoreProfile, core_profile
from omniclaude_dagster.gates.context import OnceStore
from omniclaude_dagster.gates.quality import Quality
from omniclaude_dagster.gates.report import GateResult
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.patterns.model import Offer, PatternFinder, ReuseRole
from omniclaude_dagster.providers.chains import Chains, ResolvedChain
from omniclaude_dagster.providers.model import ModelCall, ModelGateway
from omniclaude_dagster.quorum.model import Panel, QuorumOutcome
from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest, Mode, ParsedRequest
from omniclaude_dagster.sandbox.model import Sandbox
from omniclaude_dagster.stages.model import (
    NANOUSD_PER_USD,
    GenerationStatus,
    StageRecord,
    StageStatus,
)


@dataclass(frozen=True)
class Gateways:
    """Everything outside that stages may touch; one object a process, safe for concurrent generations."""

    sandbox: Sandbox
    models: ModelGateway
    patterns: PatternFinder
    store_for: Callable[[Path], NodeStore]
    artifacts_path: Path
    model_deadline_s: float = 120.0
    profile: CoreProfile = field(default_factory=core_profile)
    chains: Chains = field(default_factory=Chains)
    # Share of requests that are offered no pattern, so that the worth of patterns can be measured.
    holdout_share: float = 0.0
    # Who reviews in mode strict; None: the panel cannot be read, or nobody may be asked.
    panel: Panel | None = None

    def chain_for(self, stage: str) -> ResolvedChain:
        """The models that a stage asks, in order, without those that are not configured."""
        return self.chains.resolve(stage, usable=self.models.candidates(stage))


@dataclass(frozen=True)
class GenerationState:
    """One generation under way. `status` is None until it is decided; then later stages are skipped."""

    accepted: AcceptedRequest
    output_dir: Path
    correlation_id: uuid.UUID = field(default_factory=uuid.uuid4)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    run_id: str | None = None
    parsed: ParsedRequest | None = None
    # What stage 1.5 found, best first; a request of the comparison group is not offered it.
    found: tuple[Offer, ...] = ()
    is_held_out: bool = False
    # What stage 3 did with patterns; those it did nothing with are not named.
    used: Mapping[uuid.UUID, tuple[ReuseRole, str]] = field(default_factory=dict)
    blueprint: NodeBlueprint | None = None
    bundle: NodeBundle | None = None
    # What the sandbox has already answered about `bundle`; replaced together with it.
    shared: OnceStore = field(default_factory=OnceStore, compare=False, repr=False)
    gate_results: tuple[GateResult, ...] = ()
    stage_records: tuple[StageRecord, ...] = ()
    model_calls: tuple[ModelCall, ...] = ()
    quality: Quality | None = None
    published: PublishedNode | None = None
    # A dry run: everything but the writing.
    is_preview: bool = False
    # Set when edits of a person were merged into `bundle`.
    update: Update | None = None
    # What stage 5.5 decided; None where no quorum was asked.
    quorum: QuorumOutcome | None = None
    status: GenerationStatus | None = None
    error: str | None = None

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The patterns that stage 3 may use."""
        return () if self.is_held_out else self.found

    @property
    def request(self) -> GenerationRequest:
        """The request as asked."""
        return self.accepted.request

    @property
    def request_id(self) -> str:
        """Partition key of the generation."""
        return self.accepted.request_id

    def with_bundle(self, blueprint: NodeBlueprint, bundle: NodeBundle) -> "GenerationState":
        """The state with other files; nothing that was found about earlier ones is kept."""
        return replace(self, blueprint=blueprint, bundle=bundle, shared=OnceStore())

    @property
    def is_decided(self) -> bool:
        """True once nothing more is to be done."""
        return self.status is not None

    @property
    def may_ask_models(self) -> bool:
        """Mode fast asks no model."""
        return self.request.mode is not Mode.FAST

    def is_budget_spent(self, more_nanousd: int = 0) -> bool:
        """True once the calls so far, and `more_nanousd` beside them, have used up the request's budget."""
        budget_usd = self.request.budget_usd
        return budget_usd is not None and self.spent_nanousd + more_nanousd >= budget_usd * NANOUSD_PER_USD

    @property
    def spent_nanousd(self) -> int:
        """Cost of all model calls so far."""
        return sum(call.cost_nanousd for call in self.model_calls)


@dataclass(frozen=True)
class StageOutcome:
    """What a stage function gives back: the state after it, and what its record says."""

    state: GenerationState
    message: str = ""
    status: StageStatus = "completed"
    calls: tuple[ModelCall, ...] = ()
    quality_score: float | None = None
    attempts: int = 1


def decided(state: GenerationState, status: GenerationStatus, error: str) -> GenerationState:
    """The state with its end."""
    return replace(state, status=status, error=error)


def new_state(accepted: AcceptedRequest, *, artifacts_path: Path, run_id: str | None = None) -> GenerationState:
    """A fresh generation; without an output folder of its own it goes below the artifacts folder."""
    asked = accepted.request.output_dir
    output_dir = Path(asked).expanduser().absolute() if asked else artifacts_path / accepted.request_id
    return GenerationState(accepted=accepted, output_dir=output_dir, run_id=run_id)
