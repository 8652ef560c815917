"""Every way in which a model call can fail, and what helps against it. Not here: who retries (`resilience.py`).

    ProviderError
    ├── TransientProviderError        the same call can succeed later
    │   ├── RateLimitedError          429                                              retried here
    │   ├── ServerError               5xx                                              retried here
    │   ├── ModelConnectionError      refused, reset, no such host, disappeared        retried here
    │   ├── ModelTimeoutError         the overall deadline passed
    │   ├── CircuitOpenError          every host of the model is left alone for now
    │   └── BadReplyError             an answer came and is no answer
    │       ├── EmptyReplyError       no body, no choices, no text                     retried here
    │       ├── TruncatedReplyError   stopped at the token limit
    │       │   └── CutReplyError     the connection ended before the body did         retried here
    │       ├── HtmlReplyError        a web page, with whatever status
    │       ├── MalformedReplyError   not the vendor's format
    │       ├── InvalidJsonError      prose or broken JSON where a schema was asked for (worth one repair prompt)
    │       └── ReplyTooLargeError    more than we read
    └── PermanentProviderError        the same call fails again
        ├── AuthError                 401, 403, or no key
        ├── RejectedRequestError      any other 4xx, a redirect
        ├── RefusedReplyError         the vendor's safety filter spoke
        ├── PriceUnknownError         a call that could not be paid for exactly is not made
        ├── UnknownModelError         no such model in the catalog
        └── NotRecordedError          a replay met a question that was never recorded

`kind` is the short word that records carry; `is_fallback_helpful` says whether asking the next model makes sense.
Messages are redacted before they get here. `call` is the record of the failed call; the gateway always sets it.
"""

from typing import ClassVar

from omniclaude_dagster.errors import OutsideError, PermanentError, TransientError
from omniclaude_dagster.providers.model import ModelCall


class ProviderError(OutsideError):
    """A model call failed. `is_retried` marks the kinds that the gateway itself asks again, within bounds."""

    kind: ClassVar[str] = "provider"
    is_fallback_helpful: ClassVar[bool] = True
    is_retried: ClassVar[bool] = False
    # Whether the failure speaks against the host (and counts for its circuit) or only against this one answer.
    is_host_at_fault: ClassVar[bool] = False

    def __init__(self, message: str, *, cure: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, cure=cure)
        self.retry_after_s = retry_after_s
        self.call: ModelCall | None = None


class TransientProviderError(ProviderError, TransientError):
    """The same call can succeed later. The next model may answer at once."""


class PermanentProviderError(ProviderError, PermanentError):
    """The same call fails again."""


class RateLimitedError(TransientProviderError):
    """The host answered 429. `retry_after_s` is what it asked for. Fallback helps."""

    kind = "rate_limited"
    is_retried = True
    is_host_at_fault = True


class ServerError(TransientProviderError):
    """The host answered 5xx. Fallback helps."""

    kind = "server_error"
    is_retried = True
    is_host_at_fault = True


class ModelConnectionError(TransientProviderError):
    """The host could not be reached, or hung up before it answered. Fallback helps."""

    kind = "connection"
    is_retried = True
    is_host_at_fault = True


class ModelTimeoutError(TransientProviderError):
    """No complete answer within the overall deadline, whether it hung or dripped. Fallback helps if time is left."""

    kind = "timeout"
    is_host_at_fault = True


class CircuitOpenError(TransientProviderError):
    """Every host of the model failed lately and is left alone; nothing was sent. Fallback helps."""

    kind = "circuit_open"


class BadReplyError(TransientProviderError):
    """An answer came that cannot be used. Fallback helps. `text` is what the model said, for a repair prompt."""

    kind = "bad_reply"

    def __init__(
        self, message: str, *, cure: str = "", retry_after_s: float | None = None, text: str | None = None
    ) -> None:
        super().__init__(message, cure=cure, retry_after_s=retry_after_s)
        self.text = text


class EmptyReplyError(BadReplyError):
    """No body, no choices, or no text in them. Asked again; then fallback helps."""

    kind = "empty_reply"
    is_retried = True


class TruncatedReplyError(BadReplyError):
    """The answer stopped before its end, so it is never accepted as code. More tokens or fallback helps."""

    kind = "truncated"


class CutReplyError(TruncatedReplyError):
    """The connection ended before the body did. Asked again like any lost connection; then fallback helps."""

    kind = "cut_stream"
    is_retried = True
    is_host_at_fault = True


class HtmlReplyError(BadReplyError):
    """A web page where an answer should be: a proxy or login page speaks for the host. Fallback helps."""

    kind = "html_reply"
    is_host_at_fault = True


class MalformedReplyError(BadReplyError):
    """The body is not the vendor's format: not JSON, not UTF-8, or other fields. Fallback helps."""

    kind = "malformed_reply"


class InvalidJsonError(BadReplyError):
    """The model was asked for JSON and wrote something else. The caller may repair once; fallback helps."""

    kind = "invalid_json"


class ReplyTooLargeError(BadReplyError):
    """The body is larger than we read. Fallback helps."""

    kind = "too_large"


class AuthError(PermanentProviderError):
    """The key is missing or was refused. Never retried. Fallback to a model with another key helps."""

    kind = "auth"


class RejectedRequestError(PermanentProviderError):
    """The host will not take this request (context too long, model not served, redirect). Fallback may help."""

    kind = "rejected"


class RefusedReplyError(PermanentProviderError):
    """The model or its safety filter declined. Fallback may help."""

    kind = "refused"


class PriceUnknownError(PermanentProviderError):
    """The model has no price today, so it is not called. Fallback to a priced model helps."""

    kind = "price_unknown"


class UnknownModelError(PermanentProviderError):
    """The catalog has no such model. Fallback would hide a mistake in the configuration."""

    kind = "unknown_model"
    is_fallback_helpful = False


class NotRecordedError(PermanentProviderError):
    """Only while replaying: the records hold no answer to this question. Fallback would replay something else."""

    kind = "not_recorded"
    is_fallback_helpful = False
