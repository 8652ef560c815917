"""The running account of one `chat`: what was tried, used and paid, until it becomes a ModelCall."""

from dataclasses import dataclass, field
from datetime import datetime

from omniclaude_dagster.providers.catalog import ModelEntry, Price
from omniclaude_dagster.providers.errors import ModelTimeoutError, ProviderError
from omniclaude_dagster.providers.exchange import Progress
from omniclaude_dagster.providers.model import ChatRequest, ModelCall
from omniclaude_dagster.providers.pricing import (
    Usage,
    cost_nanousd,
    estimated_prompt_tokens,
    estimated_tokens_of_bytes,
    usage_of,
)
from omniclaude_dagster.providers.recorded import request_sha256
from omniclaude_dagster.providers.resilience import Clock
from omniclaude_dagster.providers.wire import WireReply


@dataclass
class Talk:
    """One request to one model, over all its attempts. Usage adds up: a useless answer is billed as well."""

    request: ChatRequest
    model: str
    clock: Clock
    entry: ModelEntry | None = None
    price: Price | None = None
    host: str = ""
    attempts: int = 0
    usage: Usage = field(default_factory=Usage)
    failed_hosts: set[str] = field(default_factory=set)
    started_at: datetime = field(init=False)
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started_at = self.clock.utc_now()
        self.started = self.clock.monotonic()

    @property
    def deadline(self) -> float:
        """The moment (of `clock.monotonic`) at which the whole call must be over."""
        return self.started + self.request.deadline_s

    @property
    def left_s(self) -> float:
        """Seconds left."""
        return self.deadline - self.clock.monotonic()

    def begin(self, entry: ModelEntry) -> None:
        """The name is resolved."""
        self.entry, self.model = entry, entry.name

    def add_reply(self, reply: WireReply, *, entry: ModelEntry) -> None:
        """Count what a reply says it used."""
        self.usage += usage_of(
            reply.tokens_input,
            reply.tokens_output,
            messages=self.request.messages,
            text=reply.text,
            context_window=entry.context_window,
        )

    def add_lost_reply(self, error: ProviderError, *, progress: Progress) -> None:
        """Count an attempt whose usage will never be known, if the model may have worked for it."""
        is_answer_begun = progress.status is not None and 200 <= progress.status < 300
        if is_answer_begun or isinstance(error, ModelTimeoutError):
            received = min(self.request.max_tokens, estimated_tokens_of_bytes(progress.bytes_received))
            self.usage += Usage(estimated_prompt_tokens(self.request.messages), received, is_estimated=True)

    def record(self, error: ProviderError | None = None, *, reply_text: str | None = None) -> ModelCall:
        """The record of the call, good or failed. `reply_text`: what the model said, also where it was of no use."""
        return ModelCall(
            correlation_id=self.request.correlation_id,
            stage=self.request.stage,
            model=self.model,
            provider=self.entry.provider if self.entry else "",
            host=self.host,
            tokens_input=self.usage.tokens_input,
            tokens_output=self.usage.tokens_output,
            latency_ms=(self.clock.monotonic() - self.started) * 1_000,
            cost_nanousd=cost_nanousd(self.usage, price=self.price) if self.price else 0,
            attempts=self.attempts,
            is_success=error is None,
            is_usage_estimated=self.usage.is_estimated,
            error_kind=error.kind if error else None,
            error_message=str(error) if error else None,
            request_sha256=request_sha256(self.request, model=self.model),
            reply_text=reply_text,
            started_at=self.started_at,
        )
