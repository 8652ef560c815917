"""The one assembly: settings in, a platform out that runs generations. Knows no Dagster and prints nothing.

`Platform` owns the warm sandbox, the model gateway and the records of one process, all started on first use.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from omniclaude_dagster.artifact.fingerprint import version_fingerprint
from omniclaude_dagster.artifact.store import NodeStore, sweep
from omniclaude_dagster.errors import ConfigurationError, ConflictError
from omniclaude_dagster.patterns.embedding import build_embedder
from omniclaude_dagster.patterns.index_door import IndexMaker
from omniclaude_dagster.patterns.library import PatternLibrary
from omniclaude_dagster.patterns.model import VectorIndex
from omniclaude_dagster.providers.chains import Chains, build_chains
from omniclaude_dagster.providers.gateway import build_gateway
from omniclaude_dagster.providers.model import ModelGateway
from omniclaude_dagster.providers.replay import ReplayGateway, Unrecorded
from omniclaude_dagster.quorum.panel import build_panel
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.request.model import AcceptedRequest
from omniclaude_dagster.request.store import RequestStore
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.sandbox.model import Sandbox
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.stages.flow import record_of, result_of, run_stage, run_stages
from omniclaude_dagster.stages.learning import pattern_of
from omniclaude_dagster.stages.model import PUBLISHING_STAGE, STAGES, GenerationResult
from omniclaude_dagster.stages.recipe import RecordedChains, RecordedFinder, RecordedGeneration, recipe_of
from omniclaude_dagster.stages.state import Gateways, GenerationState, decided, new_state

logger = logging.getLogger(__name__)

OnStage = Callable[[GenerationState], None]


@dataclass(frozen=True)
class Replay:
    """A generation done again. `unrecorded`: questions to models for which the records held no answer."""

    state: GenerationState
    unrecorded: tuple[Unrecorded, ...]


class Platform:
    """Runs generations. Use as a context manager, or call `close`. Parts can be put in its place for tests."""

    def __init__(
        self,
        settings: Settings,
        *,
        sandbox: Sandbox | None = None,
        models: ModelGateway | None = None,
        chains: Chains | None = None,
    ) -> None:
        self.settings = settings
        self._given_chains = chains
        self._given_sandbox = sandbox
        self._given_models = models
        self._stores: dict[Path, NodeStore] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @cached_property
    def sandbox(self) -> Sandbox:
        """Warm sandboxes; the workers themselves start with the first job."""
        if self._given_sandbox is not None:
            return self._given_sandbox
        return BubblewrapSandbox(self.settings.sandbox_workers, cache_path=self.settings.cache_path)

    @cached_property
    def models(self) -> ModelGateway:
        """The door to every model."""
        return self._given_models or build_gateway(self.settings)

    @cached_property
    def chains(self) -> Chains:
        """Which models each stage asks, in which order."""
        return self._given_chains or build_chains(self.settings)

    @cached_property
    def records(self) -> RecordsStore:
        """The system of record; its schema is brought up to date on first use."""
        return RecordsStore(self.settings.records_url, self.settings.home_path / "spool")

    @cached_property
    def library(self) -> PatternLibrary:
        """The patterns of earlier generations; nothing is loaded before the first search."""
        return PatternLibrary(self.records, build_embedder(self.settings), _index_of(self.settings, self.records))

    @cached_property
    def requests(self) -> RequestStore:
        """Accepted requests by id, and the claims on them."""
        return RequestStore(self.settings.home_path)

    @cached_property
    def gateways(self) -> Gateways:
        """What stages may touch."""
        return Gateways(
            sandbox=self.sandbox,
            models=self.models,
            patterns=self.library,
            store_for=self._store_for,
            artifacts_path=self.settings.artifacts_path,
            model_deadline_s=self.settings.stage_deadline_s,
            chains=self.chains,
            holdout_share=self.settings.pattern_holdout_share,
            panel=build_panel(self.settings),
        )

    def read_configuration(self) -> None:
        """Read every file and setting that a generation needs; starts nothing. Raises ConfigurationError."""
        _ = self.gateways

    def _store_for(self, output_dir: Path) -> NodeStore:
        return self._stores.setdefault(output_dir, NodeStore(output_dir, self.settings.home_path))

    def start(self, accepted: AcceptedRequest, *, run_id: str | None = None) -> GenerationState:
        """A fresh generation of a request. Leftovers of a killed one in its output folder are removed first."""
        state = new_state(accepted, artifacts_path=self.settings.artifacts_path, run_id=run_id)
        if state.output_dir.is_dir():
            sweep(state.output_dir)
        return state

    async def advance(self, number: str, states: Sequence[GenerationState]) -> list[GenerationState]:
        """Run one stage of many generations, as many at the same time as the settings allow."""
        gate = asyncio.Semaphore(self.settings.max_concurrency)

        async def one(state: GenerationState) -> GenerationState:
            async with gate:
                return await run_stage(number, state, self.gateways)

        return list(await asyncio.gather(*(one(state) for state in states)))

    def finish(self, state: GenerationState) -> GenerationResult:
        """Write the records of a generation that has gone through its stages, and give its result."""
        result = result_of(state)
        recipe = recipe_of(state, self.gateways, versions=version_fingerprint())
        record = replace(record_of(state, result), recipe=recipe.as_text())
        learned = pattern_of(state, core_version=self.gateways.profile.version)
        if learned is not None:
            vector, model = self.library.vector_of(learned)
            record = replace(record, learned=learned, learned_vector=vector, learned_embedding_model=model)
        self.records.write(record)
        return result

    async def replay(
        self, recorded: RecordedGeneration, *, output_dir: Path, on_stage: OnStage | None = None
    ) -> Replay:
        """Generate a recorded request again, with the same ids, from recorded answers alone, into `output_dir`.

        No model is asked and nothing is recorded. What the generation could not reuse then it cannot reuse now.
        """
        recipe = recorded.recipe
        models = ReplayGateway.of_calls(recorded.calls)
        gateways = replace(
            self.gateways,
            models=models,
            patterns=RecordedFinder(recorded.patterns),
            holdout_share=0.0,
            panel=recipe.panel,
            chains=RecordedChains(recorded=recipe.chains),
        )
        fresh = new_state(recipe.accepted, artifacts_path=self.settings.artifacts_path)
        state = replace(fresh, correlation_id=recorded.correlation_id, output_dir=output_dir)
        if output_dir.is_dir():
            sweep(output_dir)
        return Replay(await run_stages(state, gateways, on_stage=on_stage), models.unrecorded)

    async def generate(self, accepted: AcceptedRequest, *, on_stage: OnStage | None = None) -> GenerationResult:
        """Run one generation alone on its request id. Raises ConflictError while another process works on it."""
        with self.requests.claim(accepted.request_id):
            state = await run_stages(self.start(accepted), self.gateways, on_stage=on_stage)
            return await asyncio.to_thread(self.finish, state)

    async def preview(self, accepted: AcceptedRequest, *, on_stage: OnStage | None = None) -> GenerationState:
        """Everything but the writing: the state in which the node would be delivered. Its model calls are recorded."""
        with self.requests.claim(accepted.request_id):
            state = replace(self.start(accepted), is_preview=True)
            for number, _ in STAGES:
                state = state if number == PUBLISHING_STAGE else await run_stage(number, state, self.gateways)
                if on_stage is not None:
                    on_stage(state)
            kept = state if state.is_decided else decided(state, "needs_review", "dry run: nothing was written")
            await asyncio.to_thread(self.finish, kept)
            return state

    async def generate_all(
        self, requests: Sequence[AcceptedRequest], *, on_stage: OnStage | None = None
    ) -> AsyncIterator[GenerationResult]:
        """Run many generations concurrently (bounded); results come as they are ready. A failure stays its own."""
        gate = asyncio.Semaphore(self.settings.max_concurrency)

        async def one(accepted: AcceptedRequest) -> GenerationResult:
            async with gate:
                try:
                    return await self.generate(accepted, on_stage=on_stage)
                except ConflictError as exc:
                    return result_of(decided(self.start(accepted), "failed", str(exc)))

        for done in asyncio.as_completed([one(accepted) for accepted in requests]):
            yield await done

    @contextlib.contextmanager
    def claims(self, requests: Mapping[str, AcceptedRequest]) -> Iterator[dict[str, str]]:
        """Claim many requests at once; gives the ids that another live process works on, with the reason."""
        refused: dict[str, str] = {}
        with contextlib.ExitStack() as stack:
            for request_id in requests:
                try:
                    stack.enter_context(self.requests.claim(request_id))
                except ConflictError as exc:
                    refused[request_id] = str(exc)
            yield refused

    def close(self) -> None:
        """End what this platform started: workers and connections. Parts that were given stay their owner's."""
        started = vars(self)
        if "sandbox" in started and self._given_sandbox is None:
            self.sandbox.close()
        if "models" in started and self._given_models is None:
            # In a thread of its own: the caller may be inside a running event loop.
            with ThreadPoolExecutor(1) as pool:
                pool.submit(asyncio.run, self.models.close()).result()
        if "library" in started:
            self.library.close()
        if "records" in started:
            self.records.close()


def _index_of(settings: Settings, records: RecordsStore) -> IndexMaker | None:
    """Makes the vector index that the settings name; None for the one in this process.

    Raises ConfigurationError for an index without its address.
    """
    wanted = settings.pattern_index
    if wanted == "pgvector":
        return records.pgvector_index
    if settings.qdrant_url is None:
        if wanted == "qdrant":
            raise ConfigurationError("there is no address of a Qdrant server.", cure="set OMNICLAUDE_QDRANT_URL")
        return None
    if wanted == "embedded":
        return None
    key = settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None

    def qdrant(embedding_model: str, dimension: int) -> VectorIndex:
        # Its client is heavy, and most installations never need it.
        from omniclaude_dagster.patterns.qdrant_index import QdrantIndex

        return QdrantIndex(
            url=settings.qdrant_url,
            api_key=key,
            embedding_model=embedding_model,
            dimension=dimension,
            library=records.library_id,
        )

    return qdrant
