"""One run's work on its requests: what it may work on, stage after stage, to the kept results. Knows no Dagster.

Domain rules live in the pipeline; here only what concerns several requests in one run: claims, requests that are
finished or gone, and the result files.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from omniclaude_dagster.atomic_files import file_lock
from omniclaude_dagster.defs.ledger import Ledger, correlation_of
from omniclaude_dagster.errors import ConflictError, OmniClaudeError
from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.request.model import AcceptedRequest
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.stages.flow import result_of
from omniclaude_dagster.stages.model import GenerationResult
from omniclaude_dagster.stages.state import GenerationState, decided, new_state

logger = logging.getLogger(__name__)

# Whether a claim is held is asked by trying it for a moment; a claimer that meets such a question tries again.
_CLAIM_TRIES = 4
_CLAIM_PAUSE_S = 0.05
GOOD_STATUSES = frozenset({"published", "needs_review"})


@dataclass(frozen=True)
class Work:
    """What a run carries from op to op.

    `skipped`: others work on them or they are done; `missing`: partitions without a kept request.
    """

    states: tuple[GenerationState, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """What a run has achieved. `unkept`: results that could not be written to the records, with the reason."""

    results: tuple[GenerationResult, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    unkept: Mapping[str, str] = field(default_factory=dict)

    @property
    def good(self) -> tuple[GenerationResult, ...]:
        """Delivered ones."""
        return tuple(r for r in self.results if r.status in GOOD_STATUSES)

    @property
    def problems(self) -> dict[str, str]:
        """Request id and reason of everything that was to be delivered and was not, or was not recorded."""
        bad = {r.request_id: f"{r.status}: {r.error}" for r in self.results if r.status not in GOOD_STATUSES}
        return {**bad, **self.missing, **self.unkept}


class GenerationSession:
    """Holds the platform and the claims of one run. `on_stage` is called for each generation after each stage."""

    def __init__(self, platform: Platform, *, on_stage: Callable[[GenerationState], None] | None = None) -> None:
        self.platform = platform
        self.ledger = Ledger(platform.settings.home_path)
        self.results: dict[str, GenerationResult] = {}
        self.reasons: dict[str, str] = {}
        self._on_stage = on_stage
        self._held = contextlib.ExitStack()

    def open(self, request_ids: Sequence[str], *, run_id: str, is_once: bool = False) -> Work:
        """Claim and load the requests. `is_once`: what has a result for its content is left as it is."""
        self._held.enter_context(file_lock(run_lock_path(self.platform.settings, run_id)))
        states: list[GenerationState] = []
        skipped: dict[str, str] = {}
        missing: dict[str, str] = {}
        for request_id in request_ids:
            try:
                accepted = self.platform.requests.load(request_id)
                if accepted is None:
                    missing[request_id] = "failed: no request with this id was ever accepted."
                    continue
                self._claim(request_id)
                # After the claim: a run that has just let go of it has kept its result before.
                if is_once and self.ledger.result(request_id, accepted.content_hash) is not None:
                    skipped[request_id] = f"duplicate of {request_id}: this content has been generated."
                    continue
                states.append(self._start(accepted, run_id))
            except ConflictError as exc:
                skipped[request_id] = str(exc)
            except OmniClaudeError as exc:
                missing[request_id] = f"failed: {exc}"
        self.reasons |= {**skipped, **missing}
        return Work(tuple(states), skipped, missing)

    def advance(self, number: str, work: Work) -> Work:
        """Run one stage of all generations, concurrently."""
        states = run_async(self.platform.advance(number, work.states))
        if self._on_stage is not None:
            for state in states:
                self._on_stage(state)
        return replace(work, states=tuple(states))

    def finish(self, work: Work) -> Done:
        """Write records and results. What cannot be recorded is named; nothing stops the others."""
        unkept: dict[str, str] = {}
        for state in work.states:
            result = result_of(state)
            try:
                result = self.platform.finish(state)
                self.ledger.keep_result(result, content_hash=state.accepted.content_hash)
            except OmniClaudeError as exc:
                unkept[state.request_id] = f"{result.status}, but not recorded: {exc}"
                # Whoever reads only the result (the command line) must learn of it too.
                result = result.model_copy(update={"error": f"{result.error or ''} not recorded: {exc}".strip()})
            self.results[state.request_id] = result
        return Done(tuple(self.results[s.request_id] for s in work.states), work.skipped, work.missing, unkept)

    def close(self) -> None:
        """Let go of all claims; the platform is its owner's to close."""
        self._held.close()

    def _claim(self, request_id: str) -> None:
        for remaining in reversed(range(_CLAIM_TRIES)):
            try:
                self._held.enter_context(self.platform.requests.claim(request_id))
                return
            except ConflictError:
                if not remaining:
                    raise
                time.sleep(_CLAIM_PAUSE_S)

    def _start(self, accepted: AcceptedRequest, run_id: str) -> GenerationState:
        try:
            state = self.platform.start(accepted, run_id=run_id)
        except OmniClaudeError as exc:
            fresh = new_state(accepted, artifacts_path=self.platform.settings.artifacts_path, run_id=run_id)
            state = decided(fresh, "failed", str(exc))
        return replace(state, correlation_id=correlation_of(run_id, accepted.request_id))


def failed_result(platform: Platform, accepted: AcceptedRequest, reason: str) -> GenerationResult:
    """The result of a request that was not worked on. Nothing is recorded."""
    state = new_state(accepted, artifacts_path=platform.settings.artifacts_path)
    return result_of(decided(state, "failed", reason))


def run_lock_path(settings: Settings, run_id: str) -> Path:
    """Locked by the process that works on a run, as long as it lives."""
    return settings.home_path / "locks" / "runs" / f"{run_id}.lock"


def run_async[T](work: Coroutine[object, object, T]) -> T:
    """Run a coroutine to its end, also where the caller's thread has an event loop (a notebook)."""
    with ThreadPoolExecutor(1, thread_name_prefix="stage") as pool:
        return pool.submit(asyncio.run, work).result()
