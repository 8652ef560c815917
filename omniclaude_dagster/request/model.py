"""What a person asks for: the strict schema of a request, and the words every later room uses for it.

Reading files lives in `intake.py`; understanding the prompt lives in `understanding/`.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

MAX_PROMPT_CHARS = 20_000
MIN_PROMPT_CHARS = 10
REQUEST_ID_PATTERN = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,62}\Z")
NODE_NAME_PATTERN = re.compile(r"\A[A-Z][A-Za-z0-9]{0,63}\Z", re.ASCII)


class NodeKind(StrEnum):
    """The four kinds of ONEX node."""

    EFFECT = "EFFECT"
    COMPUTE = "COMPUTE"
    REDUCER = "REDUCER"
    ORCHESTRATOR = "ORCHESTRATOR"


class Mode(StrEnum):
    """fast: no model; balanced: models where rules do not suffice; strict: execution gates block as well."""

    FAST = "fast"
    BALANCED = "balanced"
    STRICT = "strict"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Example(_Strict):
    """One acceptance example: field values of the node's input and output models, or what it must raise."""

    input: dict[str, JsonValue]
    output: dict[str, JsonValue] | None = None
    raises: str | None = Field(None, min_length=1, max_length=128)

    @model_validator(mode="after")
    def _exactly_one_outcome(self) -> "Example":
        if (self.output is None) == (self.raises is None):
            raise ValueError("an example needs exactly one of 'output' and 'raises'")
        return self


class ProjectContext(_Strict):
    """The project a request comes from."""

    path: Annotated[str, StringConstraints(max_length=1024)]
    name: Annotated[str, StringConstraints(max_length=128)]


class GenerationRequest(_Strict):
    """A request as a file, a command line or a launchpad gives it. All text in it is data, never instructions."""

    prompt: Annotated[str, StringConstraints(min_length=1, max_length=MAX_PROMPT_CHARS)]
    mode: Annotated[Mode, Field(strict=False)] = Mode.BALANCED
    node_kind: Annotated[NodeKind | None, Field(strict=False)] = None
    name: str | None = None
    domain: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")] | None = None
    examples: Annotated[tuple[Example, ...], Field(max_length=100, strict=False)] = ()
    budget_usd: float | None = Field(None, ge=0, le=1_000_000)
    output_dir: Annotated[str, StringConstraints(min_length=1, max_length=1024)] | None = None
    project: ProjectContext | None = None
    session_id: Annotated[str, StringConstraints(max_length=128)] | None = None
    # A contract (dialect A) or a JSON Schema the node is built from, already resolved: no reference leaves it.
    contract: dict[str, JsonValue] | None = None

    def content_hash(self) -> str:
        """SHA-256 over the canonical form: equal requests have equal hashes, however they were written."""
        content = self.model_dump(mode="json")
        if self.contract is None:
            # Requests were hashed before they could carry a contract, and their hashes must not change.
            del content["contract"]
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class AcceptedRequest:
    """A request with its identity: `request_id` is the Dagster partition key."""

    request_id: str
    request: GenerationRequest
    source: Literal["inbox", "cli", "launchpad", "library", "benchmark"] = "library"

    @property
    def content_hash(self) -> str:
        """Hash of the request's content."""
        return self.request.content_hash()


@dataclass(frozen=True)
class FieldHint:
    """A field a person named in the prompt: `name`, and a JSON-schema-like `type` where one was given."""

    name: str
    type: str | None = None


@dataclass(frozen=True)
class ParameterHint:
    """One parameter of a function a prompt spells out, with its annotation and default as they were written."""

    name: str
    annotation: str | None = None
    default: str | None = None
    # The annotation was not written: the values that the prompt shows stand for it.
    is_shown: bool = False


@dataclass(frozen=True)
class SignatureHint:
    """A Python function a prompt spells out: `def has_close(numbers: list[float], limit: float) -> bool`."""

    function: str
    parameters: tuple[ParameterHint, ...]
    returns: str | None = None
    docstring: str = ""
    # Imports and functions that the prompt defines beside it, as source.
    helpers: str = ""
    # `returns` was not written: the results that the prompt shows stand for it.
    is_result_shown: bool = False


@dataclass(frozen=True)
class Transition:
    """One allowed change of state and what triggers it."""

    from_state: str
    to_state: str
    trigger: str


@dataclass(frozen=True)
class ContractHints:
    """What a prompt says about limits, weights, states and windows; None and empty where it says nothing."""

    operation_max_ms: int | None = None
    timeout_ms: int | None = None
    throughput_min_ops_per_second: float | None = None
    memory_limit_mb: int | None = None
    max_attempts: int | None = None
    cache_ttl_s: int | None = None
    window_ms: int | None = None
    weights: tuple[tuple[str, float], ...] = ()
    states: tuple[str, ...] = ()
    transitions: tuple[Transition, ...] = ()


@dataclass(frozen=True)
class ParsedRequest:
    """What stage 1 understood. `None` means: not said and not derivable, so there is a question about it.

    `confidence` is calibrated: of the prompts at or above 0.9, at least 97 % are right in kind and name.
    """

    node_kind: NodeKind | None
    name: str | None
    class_name: str | None
    domain: str
    description: str
    operations: tuple[str, ...] = ()
    external_systems: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    confidence: float = 0.0
    questions: tuple[str, ...] = ()
    kind_confidence: float = 0.0
    name_confidence: float = 0.0
    fields: tuple[FieldHint, ...] = ()
    steps: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    signature: SignatureHint | None = None
    # Examples found in the prompt: doctests and sentences such as "add(2, 3) returns 5".
    examples: tuple[Example, ...] = ()
    contract_hints: ContractHints = ContractHints()

    def as_json(self) -> dict[str, Any]:
        """The object `omniclaude parse --json` prints."""
        return {
            "node_kind": self.node_kind.value if self.node_kind else None,
            "name": self.name,
            "class_name": self.class_name,
            "domain": self.domain,
            "operations": list(self.operations),
            "external_systems": list(self.external_systems),
            "features": list(self.features),
            "confidence": round(self.confidence, 4),
            "questions": list(self.questions),
        }
