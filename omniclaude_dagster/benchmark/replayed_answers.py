"""A model gateway that gives each sample of a run again what the same sample of an earlier run was answered.

By sample, not by question: several samples of a task ask the same question, and each gets its own answers back.
"""

import threading
import uuid
from collections.abc import Callable, Sequence

from omniclaude_dagster.providers.model import ChatReply, ChatRequest, ModelCall, ModelStatus
from omniclaude_dagster.providers.replay import ReplayGateway


class SampleReplay:
    """Implements ModelGateway. `calls_of` gives the recorded calls of a sample from its request id now."""

    def __init__(self, calls_of: Callable[[str], Sequence[ModelCall]], *, models: Sequence[str]) -> None:
        self._calls_of = calls_of
        self._models = tuple(models)
        self._samples: dict[uuid.UUID, ReplayGateway] = {}
        self._lock = threading.Lock()

    def begin(self, correlation_id: uuid.UUID, request_id: str) -> None:
        """A sample is about to be taken."""
        found = ReplayGateway.of_calls(self._calls_of(request_id))
        with self._lock:
            self._samples[correlation_id] = found

    def candidates(self, stage: str) -> tuple[str, ...]:  # noqa: ARG002  (the recorded chain decides what is asked)
        """The recorded models."""
        return self._models

    async def chat(self, request: ChatRequest, *, model: str) -> ChatReply:
        """The sample's next recorded answer to this question. Raises the recorded error, or NotRecordedError."""
        with self._lock:
            sample = self._samples.get(request.correlation_id) or ReplayGateway.of_calls(())
        return await sample.chat(request, model=model)

    async def status(self) -> tuple[ModelStatus, ...]:
        """Nobody is asked."""
        return ()

    async def close(self) -> None:
        """Nothing is open."""
