"""The platforms of `bench patterns`: one that fills a library of its own, and one for each arm of the comparison.

Everything is kept apart from the user's records: each platform's home is a folder of the benchmark, and its database
is the SQLite file there. The library is filled before the first query task and does not change after that.
"""

import threading
import uuid
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from omniclaude_dagster.benchmark.platform import BenchmarkPlatform
from omniclaude_dagster.benchmark.solution_gateway import SOLUTION_MODEL, SolutionGateway
from omniclaude_dagster.errors import OutsideError
from omniclaude_dagster.patterns.library import PatternLibrary
from omniclaude_dagster.patterns.model import Found, PatternQuery
from omniclaude_dagster.providers.chains import Chains
from omniclaude_dagster.request.model import AcceptedRequest
from omniclaude_dagster.sandbox.model import Sandbox
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.stages.model import GenerationResult
from omniclaude_dagster.stages.state import GenerationState

_GENERATIONS = uuid.UUID("6b1f0b6e-54a5-4bb0-9a58-0c4e0f4d2a61")


def isolated(settings: Settings, home: Path) -> Settings:
    """The settings with a home and a database of their own, patterns searched in process, nobody held out."""
    own = {
        "home": home,
        "database_url": None,
        "pattern_index": "embedded",
        "qdrant_url": None,
        "qdrant_api_key": None,
        "pattern_holdout_share": 0.0,
    }
    return settings.model_copy(update=own)


class StorePlatform(BenchmarkPlatform):
    """Generates from given solutions, and learns from what is good enough, exactly as in everyday use.

    A generation has the same correlation id whenever it is run: one that was recorded, but not yet in the results when
    the run was killed, is not learned from twice.
    """

    def __init__(self, settings: Settings, *, sandbox: Sandbox | None = None) -> None:
        self.solutions = SolutionGateway()
        super().__init__(
            settings, chains=Chains().only(SOLUTION_MODEL), is_recorded=True, sandbox=sandbox, models=self.solutions
        )

    def start(self, accepted: AcceptedRequest, *, run_id: str | None = None) -> GenerationState:
        """A fresh generation. It is no longer a benchmark's, because the library learns from none of those."""
        state = super().start(replace(accepted, source="library"), run_id=run_id)
        state = replace(state, correlation_id=uuid.uuid5(_GENERATIONS, accepted.request_id))
        self.solutions.begin(state.correlation_id, state.request_id)
        return state


class FrozenLibrary:
    """A PatternFinder over a library that counts recency from a fixed moment: a later replay finds the same."""

    def __init__(self, library: PatternLibrary, *, moment: datetime) -> None:
        self._library = library
        self._moment = moment
        self._degraded: set[str] = set()
        self._lock = threading.Lock()

    def find(self, query: PatternQuery) -> Found:
        """Ranked patterns, as the library gives them."""
        found = self._library.find(replace(query, now=self._moment))
        with self._lock:
            self._degraded.update(found.degraded)
        return found

    def require_whole(self) -> None:
        """Raise OutsideError when a part of the library was away: without it nothing was measured."""
        with self._lock:
            if self._degraded:
                raise OutsideError(
                    f"the pattern library was not whole: {'; '.join(sorted(self._degraded))}.",
                    cure="see to that part, then run the same command again: it goes on where it stopped",
                )


class ArmPlatform(BenchmarkPlatform):
    """A BenchmarkPlatform that hands out how each generation ended, which a row of results does not tell."""

    @cached_property
    def _ended(self) -> dict[uuid.UUID, GenerationState]:
        return {}

    def finish(self, state: GenerationState) -> GenerationResult:
        """As every benchmark; the state is kept until it is taken."""
        self._ended[state.correlation_id] = state
        return super().finish(state)

    def take_end(self, correlation_id: uuid.UUID) -> GenerationState | None:
        """The last state of that generation, once; None for a task that could not be run at all."""
        return self._ended.pop(correlation_id, None)
