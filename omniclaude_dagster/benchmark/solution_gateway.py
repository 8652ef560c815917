"""A model gateway that answers with a given solution: right and wrong bodies go through the whole pipeline at no cost.

Each generation gets its own solution, once. A second question of the same generation is refused, because the answer
would be the same.
"""

import threading
import uuid
from dataclasses import replace

from omniclaude_dagster.providers.errors import ProviderError, RejectedRequestError
from omniclaude_dagster.providers.model import ChatReply, ChatRequest, ModelCall, ModelStatus
from omniclaude_dagster.providers.recorded import request_sha256

SOLUTION_MODEL = "given-solution"
_PROVIDER = "recorded"
_LOGIC_STAGE = "business_logic"


class SolutionGateway:
    """Implements ModelGateway. Safe for threads."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}
        self._waiting: dict[uuid.UUID, str] = {}
        self._lock = threading.Lock()

    def give(self, request_id: str, source: str) -> None:
        """The module that the first question of this request's next generation is answered with."""
        with self._lock:
            self._given[request_id] = source

    def begin(self, correlation_id: uuid.UUID, request_id: str) -> None:
        """A generation of the request is about to start."""
        with self._lock:
            if request_id in self._given:
                self._waiting[correlation_id] = self._given.pop(request_id)

    def candidates(self, stage: str) -> tuple[str, ...]:
        """Only bodies are written here."""
        return (SOLUTION_MODEL,) if stage == _LOGIC_STAGE else ()

    async def chat(self, request: ChatRequest, *, model: str) -> ChatReply:
        """Give the solution. Raises ProviderError when there is none, or it was given before."""
        with self._lock:
            source = self._waiting.pop(request.correlation_id, None)
        call = _call(request, model)
        if source is None:
            error: ProviderError = RejectedRequestError("the given solution was refused, and there is no other.")
            error.call = replace(call, is_success=False, error_kind=error.kind, error_message=error.message)
            raise error
        text = f"```python\n{source.rstrip()}\n```\n"
        return ChatReply(text, replace(call, reply_text=text))

    async def status(self) -> tuple[ModelStatus, ...]:
        """One model that costs nothing."""
        return (ModelStatus(SOLUTION_MODEL, _PROVIDER, True, (), True, "answers with given solutions", 0.0, 0.0, None),)

    async def close(self) -> None:
        """Nothing is open."""


def _call(request: ChatRequest, model: str) -> ModelCall:
    return ModelCall(
        correlation_id=request.correlation_id,
        stage=request.stage,
        model=model,
        provider=_PROVIDER,
        host="",
        tokens_input=0,
        tokens_output=0,
        latency_ms=0.0,
        cost_nanousd=0,
        attempts=1,
        is_success=True,
        request_sha256=request_sha256(request, model=model),
    )
