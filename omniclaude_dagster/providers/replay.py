"""Models that give again what they gave before: `ReplayGateway` answers from recorded calls and asks nobody.

A replayed call repeats the tokens, time and cost of its first time, so that budgets end where they ended then; its
provider is `replay`, and the records count no money for it. The same question is answered in the recorded order:
the first time it is asked with the first answer, then with the second. Where the answers lie is the caller's matter.
"""

import asyncio
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from omniclaude_dagster.providers.directory import DEFAULT_MODEL
from omniclaude_dagster.providers.errors import BadReplyError, NotRecordedError, ProviderError
from omniclaude_dagster.providers.model import ChatReply, ChatRequest, ModelCall, ModelStatus
from omniclaude_dagster.providers.recorded import REPLAY_PROVIDER, request_sha256
from omniclaude_dagster.providers.wire import parsed_data

# From the hash of a question to every call that asked it, the oldest first. May block; runs in a thread.
type AnswerLookup = Callable[[str], Sequence[ModelCall]]

_CURE_MARK = " Cure: "
_CURE = "generate without --replay, with the model reachable; its answers are recorded then"


@dataclass(frozen=True)
class Unrecorded:
    """A question for which the records hold no (further) answer."""

    model: str
    stage: str
    request_sha256: str
    answers_used: int


class ReplayGateway:
    """A ModelGateway that answers from recorded calls. Safe for threads and event loops.

    `lookup`: see AnswerLookup. `candidates`: what each stage was offered when the answers were recorded; a stage
    that is not in it is offered `models`. `models`: the recorded ones by their own names, in the order in which they
    were first asked; "default" and other names that only a host can resolve are looked for among them.
    """

    def __init__(
        self,
        lookup: AnswerLookup,
        *,
        models: Sequence[str] = (),
        candidates: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._lookup = lookup
        self._models = tuple(dict.fromkeys(models))
        self._candidates = {stage: tuple(names) for stage, names in (candidates or {}).items()}
        self._used: Counter[str] = Counter()
        self._unrecorded: list[Unrecorded] = []
        self._lock = threading.Lock()

    @classmethod
    def of_calls(
        cls, calls: Iterable[ModelCall], *, candidates: Mapping[str, Sequence[str]] | None = None
    ) -> "ReplayGateway":
        """A gateway over the calls of one generation, in their order."""
        kept: dict[str, list[ModelCall]] = {}
        models: list[str] = []
        for call in calls:
            models.append(call.model)
            if call.request_sha256 is not None:
                kept.setdefault(call.request_sha256, []).append(call)
        return cls(lambda sha256: kept.get(sha256, ()), models=models, candidates=candidates)

    @property
    def unrecorded(self) -> tuple[Unrecorded, ...]:
        """Every question that could not be answered so far."""
        with self._lock:
            return tuple(self._unrecorded)

    def candidates(self, stage: str) -> tuple[str, ...]:
        """The models that the stage was offered at recording time, in that order."""
        return self._candidates.get(stage, self._models)

    async def chat(self, request: ChatRequest, *, model: str) -> ChatReply:
        """Give the next recorded answer. Raises the recorded ProviderError, or NotRecordedError."""
        recorded = await asyncio.to_thread(self._next, request, model)
        call = _replayed(recorded, request)
        if not recorded.is_success:
            raise _recorded_error(recorded, call)
        text = recorded.reply_text or ""
        schema = request.json_schema
        return ChatReply(text=text, call=call, data=None if schema is None else parsed_data(text, schema=schema))

    async def status(self) -> tuple[ModelStatus, ...]:
        """The recorded models. None of them is asked."""
        return tuple(
            ModelStatus(name, REPLAY_PROVIDER, True, (), True, "replayed from the records", None, None, None)
            for name in self._models
        )

    async def close(self) -> None:
        """Nothing is open."""

    def _next(self, request: ChatRequest, model: str) -> ModelCall:
        """The first recorded answer to this question that was not given yet."""
        used = 0
        for name in self._names(model):
            sha256 = request_sha256(request, model=name)
            answers = self._lookup(sha256)
            with self._lock:
                if self._used[sha256] < len(answers):
                    self._used[sha256] += 1
                    return answers[self._used[sha256] - 1]
                used += len(answers)
        raise self._not_recorded(request, model, used)

    def _names(self, model: str) -> tuple[str, ...]:
        """The name itself; then, for a name that only its host could resolve, every recorded model."""
        is_resolved_by_host = model == DEFAULT_MODEL or model not in self._models
        others = (name for name in self._models if name != model) if is_resolved_by_host else ()
        return (model, *others)

    def _not_recorded(self, request: ChatRequest, model: str, used: int) -> NotRecordedError:
        sha256 = request_sha256(request, model=model)
        with self._lock:
            self._unrecorded.append(Unrecorded(model, request.stage, sha256, used))
        what = f"its {used} recorded answers are used up" if used else "nothing was recorded for this question"
        error = NotRecordedError(f"model {model!r}, stage {request.stage}: {what}.", cure=_CURE)
        error.call = ModelCall(
            correlation_id=request.correlation_id,
            stage=request.stage,
            model=model,
            provider=REPLAY_PROVIDER,
            host="",
            tokens_input=0,
            tokens_output=0,
            latency_ms=0.0,
            cost_nanousd=0,
            attempts=0,
            is_success=False,
            error_kind=error.kind,
            error_message=str(error),
            request_sha256=sha256,
        )
        return error


def _replayed(recorded: ModelCall, request: ChatRequest) -> ModelCall:
    """The call as this generation's own, marked as replayed."""
    return replace(
        recorded,
        correlation_id=request.correlation_id,
        stage=request.stage,
        provider=REPLAY_PROVIDER,
        verdict=None,
        call_id=uuid.uuid4(),
        started_at=datetime.now(UTC),
    )


def _recorded_error(recorded: ModelCall, call: ModelCall) -> ProviderError:
    """The error as it was raised then: the same class, message and cure, and what the model had said."""
    kind = _KINDS.get(recorded.error_kind or "", ProviderError)
    message, mark, cure = (recorded.error_message or "no reason was recorded.").rpartition(_CURE_MARK)
    error = kind(message, cure=cure) if mark else kind(cure)
    if isinstance(error, BadReplyError):
        error.text = recorded.reply_text
    error.call = call
    return error


def _with_kinds(base: type[ProviderError]) -> dict[str, type[ProviderError]]:
    """Every kind below `base`. Where a family shares its kind with its members, the family stands for it."""
    found: dict[str, type[ProviderError]] = {}
    for child in base.__subclasses__():
        found |= {kind: cls for kind, cls in _with_kinds(child).items() if kind not in found}
    return {**found, base.kind: base}


_KINDS = _with_kinds(ProviderError)
