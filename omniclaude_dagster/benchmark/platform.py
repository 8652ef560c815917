"""The pipeline as a benchmark runs it: the same stages, but nothing that an earlier run or sample left behind helps.

Stage 1.5 finds no pattern, or the second sample of a task would be handed the first one's body.
"""

import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

from omniclaude_dagster.patterns.model import PatternFinder
from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.providers.chains import Chains
from omniclaude_dagster.providers.model import ChatReply, ChatRequest, ModelGateway, ModelStatus
from omniclaude_dagster.request.model import AcceptedRequest
from omniclaude_dagster.sandbox.model import Sandbox
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.stages.flow import result_of
from omniclaude_dagster.stages.model import GenerationResult
from omniclaude_dagster.stages.recipe import RecordedFinder
from omniclaude_dagster.stages.state import Gateways, GenerationState

# Correlation id and request id.
OnStart = Callable[[uuid.UUID, str], None]


class BenchmarkPlatform(Platform):
    """A Platform that asks the measured models and recalls nothing.

    `is_recorded` False keeps generations out of the records: a mutant that passes its few examples must never be found
    there as a proven body. `patterns`: what stage 1.5 may find, where that is what is measured. `on_start` is told of
    each generation before its first stage, so that a gateway can answer each one in its own way.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        chains: Chains,
        is_recorded: bool,
        sandbox: Sandbox | None = None,
        models: ModelGateway | None = None,
        on_start: OnStart | None = None,
        patterns: PatternFinder | None = None,
    ) -> None:
        super().__init__(settings, sandbox=sandbox, models=models, chains=chains)
        self._is_recorded = is_recorded
        self._on_start = on_start
        self._patterns = patterns

    @cached_property
    def gateways(self) -> Gateways:
        """What stages may touch; nobody belongs to a comparison group, and without other word nothing is recalled."""
        return replace(super().gateways, patterns=self._patterns or RecordedFinder(), holdout_share=0.0)

    def start(self, accepted: AcceptedRequest, *, run_id: str | None = None) -> GenerationState:
        """A fresh generation of a request."""
        state = super().start(accepted, run_id=run_id)
        if self._on_start is not None:
            self._on_start(state.correlation_id, state.request_id)
        return state

    def finish(self, state: GenerationState) -> GenerationResult:
        """The result, written into the records if that is wanted."""
        return super().finish(state) if self._is_recorded else result_of(state)

    def end_sandbox(self) -> None:
        """End the sandbox's workers early, unless they were lent; what still runs there ends at once."""
        if self._given_sandbox is None:
            self.sandbox.close()


class FixedTemperature:
    """A ModelGateway in front of another one that asks everything at one temperature.

    Several samples of a task are comparable only when each is drawn in the same way.
    """

    def __init__(self, behind: ModelGateway, temperature: float) -> None:
        self._behind = behind
        self._temperature = temperature

    def candidates(self, stage: str) -> tuple[str, ...]:
        """As the gateway behind."""
        return self._behind.candidates(stage)

    async def chat(self, request: ChatRequest, *, model: str) -> ChatReply:
        """The same question at the fixed temperature."""
        return await self._behind.chat(replace(request, temperature=self._temperature), model=model)

    async def status(self) -> tuple[ModelStatus, ...]:
        """As the gateway behind."""
        return await self._behind.status()

    async def close(self) -> None:
        """Close the gateway behind."""
        await self._behind.close()
