"""What a run measures: one model, one chain, or given solutions; and the platform that asks just that."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from omniclaude_dagster.benchmark.platform import BenchmarkPlatform, FixedTemperature, OnStart
from omniclaude_dagster.benchmark.replayed_answers import SampleReplay
from omniclaude_dagster.benchmark.sampling import request_prefix
from omniclaude_dagster.benchmark.solution_gateway import SOLUTION_MODEL, SolutionGateway
from omniclaude_dagster.errors import ConfigurationError, OutsideError, RequestError
from omniclaude_dagster.providers.chains import Chains, ResolvedChain, build_chains
from omniclaude_dagster.providers.directory import DEFAULT_MODEL
from omniclaude_dagster.providers.gateway import build_gateway
from omniclaude_dagster.providers.model import ModelGateway
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.sandbox.model import Sandbox
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.stages.recipe import RecordedChains

SubjectKind = Literal["model", "chain", "solutions"]
_STAGES = ("prompt_parsing", "business_logic")


@dataclass(frozen=True)
class Subject:
    """What is measured. `temperature`: of every question, where samples are drawn; else the pipeline's own."""

    kind: SubjectKind
    name: str
    temperature: float | None = None

    @property
    def label(self) -> str:
        """As the records and the summary name it."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Measured:
    """A platform that asks the subject. `asked` is the chain each stage asks, as it was resolved."""

    platform: BenchmarkPlatform
    asked: Mapping[str, ResolvedChain] = field(default_factory=dict)
    solutions: SolutionGateway | None = None


async def live(subject: Subject, settings: Settings, *, sandbox: Sandbox | None = None) -> Measured:
    """Ask real models. Raises ConfigurationError for an unknown name, OutsideError when the model does not answer."""
    gateway: ModelGateway = build_gateway(settings)
    try:
        chains = build_chains(settings)
        if subject.kind == "model":
            await _check_model(gateway, subject.name)
            chains = chains.only(subject.name)
        else:
            chains = chains.choosing(subject.name)
        asked = {stage: chains.resolve(stage, usable=gateway.candidates(stage)) for stage in _STAGES}
        if not asked["business_logic"].models:
            raise ConfigurationError(
                f"no model of {subject.label} can be asked: {'; '.join(asked['business_logic'].skipped)}.",
                cure="set OMNICLAUDE_MODEL_BASE_URL or a provider's key; omniclaude models shows what is missing",
            )
    finally:
        await gateway.close()
    return Measured(_platform(settings, gateway, chains, subject, sandbox=sandbox), asked)


def replayed(
    subject: Subject,
    settings: Settings,
    records: RecordsStore,
    *,
    recorded_run: str,
    asked: Mapping[str, ResolvedChain],
    sandbox: Sandbox | None = None,
) -> Measured:
    """Answer from the records of an earlier run, and ask nobody. Raises RequestError when it left no answers."""
    models = records.recorded_models(session_id=recorded_run)
    if not models:
        raise RequestError(
            f"the records hold no answers of run {recorded_run}.",
            cure="run the same command without --replay first, with the same records",
        )
    now, then = len(request_prefix(recorded_run)), request_prefix(recorded_run)
    gateway = SampleReplay(lambda request_id: records.model_calls(then + request_id[now:]), models=models)
    chains = RecordedChains(recorded=dict(asked))
    return Measured(_platform(settings, gateway, chains, subject, sandbox=sandbox, on_start=gateway.begin), asked)


def given_solutions(settings: Settings, *, sandbox: Sandbox | None = None) -> Measured:
    """Put solutions in instead of asking a model."""
    gateway = SolutionGateway()
    chains = Chains().only(SOLUTION_MODEL)
    platform = BenchmarkPlatform(
        settings, chains=chains, is_recorded=False, models=gateway, sandbox=sandbox, on_start=gateway.begin
    )
    return Measured(platform, solutions=gateway)


def _platform(
    settings: Settings,
    gateway: ModelGateway,
    chains: Chains,
    subject: Subject,
    *,
    sandbox: Sandbox | None,
    on_start: OnStart | None = None,
) -> BenchmarkPlatform:
    """Live answers are recorded; replayed ones are in the records already."""
    models = gateway if subject.temperature is None else FixedTemperature(gateway, subject.temperature)
    return BenchmarkPlatform(
        settings, chains=chains, is_recorded=on_start is None, sandbox=sandbox, models=models, on_start=on_start
    )


async def _check_model(gateway: ModelGateway, name: str) -> None:
    statuses = await gateway.status()
    found = next((s for s in statuses if s.name == name), None)
    if found is None and name == DEFAULT_MODEL and statuses:
        found = next((s for s in statuses if s.name in gateway.candidates("business_logic")[:1]), None)
    if found is None:
        known = ", ".join(sorted(s.name for s in statuses)) or "none"
        raise ConfigurationError(
            f"there is no model {name!r}; known models: {known}.",
            cure="name one of them, or set OMNICLAUDE_MODEL_BASE_URL to a host and use the name of its model",
        )
    if not found.is_reachable:
        raise OutsideError(f"model {name} cannot be asked: {found.reason}.", cure="omniclaude models shows its state")
