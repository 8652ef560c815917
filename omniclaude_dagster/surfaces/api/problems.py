"""Every refusal of the HTTP service, as RFC 9457 has it: one table of kinds, one body, one content type.

What a caller did wrong is named; what is wrong with our own parts is said in general words only, because messages of
databases and disks hold addresses and paths. Those go to the log.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from omniclaude_dagster.errors import (
    ConflictError,
    EmbeddingUnavailableError,
    IndexUnavailableError,
    OmniClaudeError,
    RecordsUnavailableError,
    RequestError,
    StorageError,
)

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_URN = "urn:omniclaude:problem:"
MAX_ERRORS = 20
_MAX_POINTER_CHARS = 200
_MAX_TEXT_CHARS = 500
_RETRY_S = 5

# Kind: status and title. `type` is the URN of the kind.
KINDS: dict[str, tuple[int, str]] = {
    "not-http": (400, "Not an HTTP request"),
    "unauthorized": (401, "A valid bearer token is needed"),
    "missing-scope": (403, "The token lacks a scope"),
    "not-found": (404, "There is no such resource"),
    "method-not-allowed": (405, "The resource does not know this method"),
    "too-slow": (408, "The request came in too slowly"),
    "conflict": (409, "The request contradicts what is stored"),
    "too-large": (413, "The body is too large"),
    "not-json": (415, "The body is not JSON"),
    "invalid": (422, "The body cannot be accepted"),
    "quality-too-low": (422, "Only proven patterns are stored"),
    "too-many-requests": (429, "Too many requests"),
    "internal": (500, "Something went wrong here"),
    "unavailable": (503, "A part of the service is away"),
    "overloaded": (503, "Too much to do at the moment"),
}
_DETAILS = {
    "not-found": "there is nothing at this path; /openapi.json says what there is.",
    "method-not-allowed": "the header Allow says what can be done with this path.",
}
# Where Pydantic's own words would help nobody outside of this program.
_SAID = {
    "extra_forbidden": "there is no such field",
    "missing": "is missing",
    "model_attributes_type": "must be a JSON object",
    "model_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
    "list_type": "must be a JSON array",
}
_KIND_OF_STATUS = {status: kind for kind, (status, _) in reversed(KINDS.items())}


class FieldProblem(BaseModel):
    """One thing that is wrong with a body."""

    model_config = ConfigDict(extra="forbid")

    pointer: str = Field(description="RFC 6901 JSON pointer into the body; empty for the whole of it.")
    detail: str


class Problem(BaseModel):
    """A refusal (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="URN of the kind of problem.")
    title: str = Field(description="The same for every problem of this kind.")
    status: int
    detail: str = Field(description="What is wrong with this request.")
    instance: str = Field(description="URN of the request, with the id that X-Request-Id shows.")
    errors: list[FieldProblem] | None = Field(None, description="For 409 and 422: what is wrong, and where.")


class ProblemError(Exception):
    """Raised anywhere below a request; becomes the answer."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Iterable[FieldProblem] = (),
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = tuple(errors)

    @property
    def status(self) -> int:
        """Of HTTP."""
        return KINDS[self.kind][0]

    def body(self, request_id: str) -> bytes:
        """The problem as JSON; ASCII only."""
        return problem_of(self, request_id).model_dump_json(exclude_none=True, ensure_ascii=True).encode()


def problem_of(exc: ProblemError, request_id: str) -> Problem:
    """What the caller gets to see."""
    status, title = KINDS[exc.kind]
    return Problem(
        type=f"{_URN}{exc.kind}",
        title=title,
        status=status,
        detail=exc.detail[:_MAX_TEXT_CHARS],
        instance=f"urn:omniclaude:request:{request_id}",
        errors=list(exc.errors) or None,
    )


def answer(exc: ProblemError, request_id: str) -> Response:
    """The response."""
    return Response(exc.body(request_id), exc.status, exc.headers, media_type=MEDIA_TYPE)


def of_status(status: int, headers: Mapping[str, str] | None = None) -> ProblemError:
    """For a refusal of the framework's router, which knows a status only."""
    kind = _KIND_OF_STATUS.get(status, "internal")
    return ProblemError(kind, _DETAILS.get(kind, "it was refused."), headers=headers)


def of_validation(errors: Iterable[Mapping[str, Any]]) -> ProblemError:
    """For what Pydantic found: each error with its pointer. The values themselves are not repeated."""
    found = [FieldProblem(pointer=pointer_to(e["loc"]), detail=_said(e)) for e in errors]
    shown = found[:MAX_ERRORS]
    more = f" The first {MAX_ERRORS} of {len(found)} are listed." if len(found) > MAX_ERRORS else ""
    first = f"{shown[0].pointer or 'the body'}: {shown[0].detail}" if shown else "the body is wrong"
    kind = "quality-too-low" if any(e["type"] == "quality_too_low" for e in errors) else "invalid"
    return ProblemError(kind, f"{first}.{more}", errors=shown)


def of_body(detail: str, *, pointer: str = "") -> ProblemError:
    """For one mistake that is no matter of types."""
    found = FieldProblem(pointer=pointer, detail=detail[:_MAX_TEXT_CHARS])
    return ProblemError("invalid", detail, errors=[found])


def of_failure(exc: OmniClaudeError) -> ProblemError:
    """For a failure of a room below."""
    if isinstance(exc, ConflictError):
        return ProblemError("conflict", str(exc))
    if isinstance(exc, RequestError):
        return of_body(str(exc))
    logger.error("%s: %s", type(exc).__name__, exc)
    if isinstance(exc, RecordsUnavailableError):
        return unavailable("the records do not answer; nothing was changed")
    if isinstance(exc, IndexUnavailableError | EmbeddingUnavailableError):
        return unavailable("the pattern library cannot search by meaning now")
    if isinstance(exc, StorageError):
        return unavailable("the disk of the service takes nothing now")
    return ProblemError("internal", "a part of the service failed; its log says why.")


def unavailable(detail: str, *, retry_s: int = _RETRY_S) -> ProblemError:
    """A part is away, and may be back soon."""
    return ProblemError("unavailable", f"{detail}.", headers={"Retry-After": str(retry_s)})


def pointer_to(path: Iterable[str | int]) -> str:
    """RFC 6901. A key that is too long to be shown ends it: what stands above it is named then."""
    pointer = ""
    for step in path:
        longer = f"{pointer}/{str(step).replace('~', '~0').replace('/', '~1')}"
        if len(longer) > _MAX_POINTER_CHARS:
            break
        pointer = longer
    return pointer


def _said(error: Mapping[str, Any]) -> str:
    said = _SAID.get(error["type"]) or str(error["msg"])
    return said[:_MAX_TEXT_CHARS]
