"""The vocabulary of the model seam: what is asked, what comes back, and the record every call leaves."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class Message:
    """One chat message."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class ChatRequest:
    """A prompt for a model. `json_schema` asks for constrained output; cap its strings and numbers."""

    stage: str
    messages: Sequence[Message]
    correlation_id: uuid.UUID
    max_tokens: int = 512
    temperature: float = 0.0
    json_schema: Mapping[str, Any] | None = None
    deadline_s: float = 120.0


@dataclass(frozen=True)
class ModelCall:
    """The record of one call, also of a failed one. Money is integer nano-dollars."""

    correlation_id: uuid.UUID
    stage: str
    model: str
    provider: str
    host: str
    tokens_input: int
    tokens_output: int
    latency_ms: float
    cost_nanousd: int
    attempts: int
    is_success: bool
    is_usage_estimated: bool = False
    error_kind: str | None = None
    error_message: str | None = None
    # Hash of what was asked (model, messages, limits, schema), and the answer: together they replay a generation.
    request_sha256: str | None = None
    reply_text: str | None = None
    # What became of the answer: "accepted", or why it was refused.
    verdict: str | None = None
    call_id: uuid.UUID = field(default_factory=uuid.uuid4)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class ChatReply:
    """A complete answer: `finish_reason` was "stop". `data` is the parsed object when a schema was asked for."""

    text: str
    call: ModelCall
    data: Any = None


@dataclass(frozen=True)
class ModelStatus:
    """One configured model as `omniclaude models` shows it."""

    name: str
    provider: str
    is_local: bool
    hosts: tuple[str, ...]
    is_reachable: bool
    reason: str
    input_usd_per_million_tokens: float | None
    output_usd_per_million_tokens: float | None
    price_effective_date: str | None


class ModelGateway(Protocol):
    """The one door to every model."""

    def candidates(self, stage: str) -> tuple[str, ...]:
        """Usable models for a stage, cheapest first; empty when none is configured."""
        ...

    async def chat(self, request: ChatRequest, *, model: str) -> ChatReply:
        """Ask one model. Raises ProviderError, which carries the record of the failed call as `.call`."""
        ...

    async def status(self) -> tuple[ModelStatus, ...]:
        """Every configured model, really asked."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
